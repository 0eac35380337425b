/**
 * What drypull needs of a container runtime: its configuration, what it would try for an image, one whole pull over the wire, and its error
 * texts. To add a runtime, add a folder beside this file and one line in runtimes.ts.
 */
import type { ProviderAnswer } from '#kubelet/view.ts';
import type { Fault } from '#report/fault.ts';
import type { Seen } from '#report/outcome.ts';
import type { Engine } from './engine.ts';
import type { PullPlan, ReadDemand } from './plan.ts';
import type { Attempt } from '#report/rehearsal.ts';
import type { Doubt, NodeView, OwnView, RuntimeConfig, RuntimeVersion } from '#node/view.ts';
import type { AsStarted } from '#node/as-started.ts';
import type { AtStart } from '#node/at-start.ts';
import type { RuntimeLayout } from '#node/distribution.ts';
import type { HostRoot } from '#node/host-root.ts';
import type { Launch } from '#node/launch.ts';
import type { Running } from '#node/processes.ts';
import type { FoundProxy } from '#node/proxy.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import type { StoredContent } from '#runtime/attempt/wire.ts';

export interface Runtime {
  /** As in node.status.nodeInfo.containerRuntimeVersion: `containerd`, `cri-o`, `docker`. */
  readonly name: string;
  /** Reads the runtime's configuration from the node's files and processes. */
  readonly read: (options: ReadRuntime) => Promise<RuntimeRead>;
  /** What the shared steps and the Go error texts need to know of this version. Pure. */
  readonly engine: (version: RuntimeVersion) => Engine;
  /** The runtime's own store; `storageRoot` is absent where it is not known. */
  readonly content: (hostRoot: string, storageRoot: string | undefined) => StoredContent;
  /** The endpoints in order, and why. Pure: everything that is known before the first packet. */
  readonly plan: (view: NodeView, demand: ReadDemand, answers: readonly ProviderAnswer[]) => PullPlan;
  /** One credential's whole pull over the wire, stopping short of the layers' bytes. */
  readonly attempt: (context: AttemptContext) => Promise<Attempt>;
  /** The CRI error where the plan itself stops the pull and nothing was sent. */
  readonly refused: (fault: Fault, plan: PullPlan) => string;
}

export interface ReadRuntime {
  /** Where the node's root directory is mounted. */
  readonly root: HostRoot;
  readonly version: RuntimeVersion;
  /** Where its distribution puts it. */
  readonly layout: RuntimeLayout;
  /** Whether a kubelet on this machine needs it. */
  readonly serves: 'a kubelet' | 'no kubelet' | 'whoever asks';
  /** What earlier reads remember of what the running programs have read. */
  readonly atStart: AtStart;
  /** A fault that stops nothing by itself. */
  readonly warn: (fault: Fault) => void;
}

export interface RuntimeRead {
  /** The runtime's process, where it can be seen. */
  readonly running: Running | undefined;
  /** Its flags, and where they were read. */
  readonly start: Launch;
  /** The proxy variables of its environment, and that environment. */
  readonly proxy: FoundProxy;
  /** What every runtime has: storage root, pause image, time-outs. A fault here stops every pull. */
  readonly config: AsStarted<Seen<RuntimeConfig>>;
  /** What only this runtime has; its `plan` narrows it by `runtime`. */
  readonly own?: OwnView;
  readonly doubts: readonly Doubt[];
}
