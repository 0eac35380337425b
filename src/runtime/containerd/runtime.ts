/** containerd as a runtime: how its configuration is read, what it would try, one whole pull, and its error texts. */
import type { Fault } from '#report/fault.ts';
import { bad, seen } from '#report/outcome.ts';
import type { RuntimeConfig } from '#node/view.ts';
import { findRunning, flag } from '#node/processes.ts';
import { findProxy } from '#node/proxy.ts';
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

async function read({ root, version, atStart, warn }: ReadRuntime): Promise<RuntimeRead> {
  const running = await findRunning(root, 'containerd');
  const proxy = await findProxy(root, running, !engineOf(version, 'local').proxiesOfAnyScheme);
  if (version.name !== 'containerd') {
    const why = `the configuration of ${version.name} is not understood`;
    const fault: Fault = { code: 'agent.cannot_see', what: version.name, why };
    const config = { now: seen<RuntimeConfig>(version.name, bad(fault)), pending: [], doubts: [] };
    return { running, proxy, config, doubts: [] };
  }
  const args = running?.args ?? [];
  const config = flag(args, 'config', 'c');
  const dataRoot = flag(args, 'root');
  const options = {
    root,
    version,
    args: { ...(config === undefined ? {} : { config }), ...(dataRoot === undefined ? {} : { root: dataRoot }) },
    warn,
  };
  return { running, proxy, config: await readAsStarted(options, { running, atStart }), doubts: [] };
}
