/** containerd as a runtime: how its configuration is read, what it would try, one whole pull, and its error texts. */
import type { Fault } from '#report/fault.ts';
import { bad, seen } from '#report/outcome.ts';
import type { Doubt, RuntimeConfig } from '#node/view.ts';
import type { RuntimeLayout } from '#node/distribution.ts';
import { statPath, type HostRoot } from '#node/host-root.ts';
import { runtimeLaunch } from '#node/launch.ts';
import { findRunning, flag, type Running } from '#node/processes.ts';
import { findProxy, newerFile } from '#node/proxy.ts';
import type { ReadRuntime, Runtime, RuntimeRead } from '#runtime/runtime.ts';
import { readAsStarted } from './config/as-started.ts';
import { hasContent, localContent } from './config/content-store.ts';
import { refusedText } from './error-texts.ts';
import { planPull } from './plan.ts';
import { attempt } from './pull/attempt.ts';
import { engineOf } from './versions.ts';

export const containerd: Runtime = {
  name: 'containerd',
  read,
  engine: (version) => engineOf(version, 'local'),
  content: (hostRoot, storageRoot = '/var/lib/containerd') => ({
    localContent: localContent(hostRoot, storageRoot),
    hasContent: hasContent(hostRoot, storageRoot),
  }),
  plan: planPull,
  attempt,
  refused: refusedText,
};

async function read({ root, version, layout, serves, atStart, warn }: ReadRuntime): Promise<RuntimeRead> {
  const running = await findRunning(root, version.name === 'cri-o' ? 'crio' : version.name);
  const start = await runtimeLaunch(root, layout, running);
  const threeSchemes = !engineOf(version, 'local').proxiesOfAnyScheme;
  const proxy = await findProxy(root, layout, { running, threeSchemes });
  if (version.name !== 'containerd') {
    const why = `the configuration of ${version.name} is not understood`;
    const fault: Fault = { code: 'agent.cannot_see', what: version.name, why };
    const config = { now: seen<RuntimeConfig>(version.name, bad(fault)), pending: [], doubts: [] };
    return { running, start, proxy, config, doubts: [] };
  }
  const args = start.args ?? [];
  const config = flag(args, 'config', 'c');
  const dataRoot = flag(args, 'root');
  const options = {
    ...{ root, version, layout, serves, warn },
    args: { ...(config === undefined ? {} : { config }), ...(dataRoot === undefined ? {} : { root: dataRoot }) },
  };
  const read = await readAsStarted(options, { running, atStart });
  return { running, start, proxy, config: read, doubts: await generatedDoubts(root, layout, running) };
}

/** k3s and RKE2 write their runtime's configuration when they start. */
async function generatedDoubts(
  root: HostRoot,
  { config, generatedFrom }: RuntimeLayout,
  running: Running | undefined,
): Promise<readonly Doubt[]> {
  if (generatedFrom === undefined) return [];
  const written = await statPath(root, config);
  if (!written.ok && written.unread.is === 'absent') {
    const because = `${config} is not there: it is written from ${generatedFrom} at the next start`;
    return [{ is: 'approximate', about: 'runtime', because }];
  }
  const newer = await newerFile(root, [generatedFrom], running?.startedMs);
  if (newer === undefined) return [];
  return [{ is: 'if_restarted', about: 'runtime', because: `${newer} is newer than the running containerd` }];
}
