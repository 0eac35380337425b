/** containerd behind the interface that all runtimes share. */
import { engineOf } from '#runtime/containerd/versions.ts';
import type { Fault } from '#report/fault.ts';
import { bad, seen } from '#report/outcome.ts';
import { planPull } from './plan.ts';
import { refusedText } from '#runtime/containerd/error-texts.ts';
import type { RuntimeConfig } from '#node/view.ts';
import { containerdAsStarted } from '#rehearsal/as-started.ts';
import { findRunning, flag } from '#node/processes.ts';
import { findProxy } from '#node/proxy.ts';
import { attempt } from '#runtime/containerd/pull/attempt.ts';
import type { ReadRuntime, Runtime, RuntimeRead } from './runtime.ts';

export const containerd: Runtime = {
  name: 'containerd',
  read,
  engine: (version) => engineOf(version, 'local'),
  plan: planPull,
  attempt: attempt,
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
  const ask = {
    root,
    version,
    args: { ...(config === undefined ? {} : { config }), ...(dataRoot === undefined ? {} : { root: dataRoot }) },
    warn,
  };
  return { running, proxy, config: await containerdAsStarted(ask, { running, atStart }), doubts: [] };
}
