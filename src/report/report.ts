/** The value that leaves the house: everything about one image on one node. Plain JSON, no secret, with a version. */
import type { UnusedSecret } from '#kubelet/keyring.ts';
import type { Owner } from './fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { PublicLogin } from '#kubelet/logins.ts';
import type { Evidence, Attempt } from './rehearsal.ts';
import type { Verdict } from './verdict.ts';
import type { Doubt, PullPolicy, Requester } from '#node/view.ts';
import type { Fault } from './fault.ts';

export interface PullReport {
  readonly version: 1;
  readonly node: string;
  /** ISO 8601: when the rehearsal ended. */
  readonly at: string;
  readonly ms: number;
  /** As written. */
  readonly image: string;
  /** The demand's own name, where it has one. */
  readonly id?: string;
  /** As the runtime reads it; absent where it cannot be read. */
  readonly reference?: string;
  readonly registry?: string;
  readonly policy: PullPolicy;
  /** Whether it was on the node, where that was known. */
  readonly present?: 'yes' | 'no';
  readonly requestedBy: readonly Requester[];
  readonly verdict: Verdict;
  /** What the kubelet would show; present when the verdict is `fails`. */
  readonly kubelet?: KubeletText;
  /** Present unless the verdict is `pulls`. */
  readonly advice?: Advice;
  readonly forecasts: readonly Forecast[];
  readonly plan?: PublicPlan;
  readonly attempts: readonly Attempt[];
  readonly evidence: readonly Evidence[];
  readonly warnings: readonly Fault[];
}

/** The strings that `kubectl describe pod` would show (kubelet images/image_manager.go, events). */
export interface KubeletText {
  /** ErrImagePull, InvalidImageName, ErrImageNeverPull, or the raw text of a decoding error. */
  readonly waitingReason: string;
  readonly waitingMessage: string;
  /** The reason and message that follow while the kubelet backs off; absent where it does not. */
  readonly backOffMessage?: string;
  readonly events: readonly {
    readonly type: 'Normal' | 'Warning';
    readonly reason: string;
    readonly message: string;
  }[];
}

export interface Advice {
  /** What is wrong, in one sentence. */
  readonly cause: string;
  /** What to do, in one sentence. */
  readonly remedy: string;
  /** Where that may not be enough, or what else to know: further sentences. */
  readonly further?: string;
  readonly owner: Owner;
}

export interface PublicPlan {
  readonly runtime: string;
  readonly engine: string;
  readonly platform: string;
  readonly identities: readonly string[];
  /** Absent where nothing could be presented. */
  readonly logins?: readonly PublicLogin[];
  /** Pull secrets that hold nothing for this image; absent where there are none. */
  readonly unusedSecrets?: readonly UnusedSecret[];
  readonly routes: readonly PublicRoute[];
  readonly doubts: readonly Doubt[];
}
export interface PublicRoute {
  readonly url: string;
  readonly role: 'mirror' | 'origin';
  readonly resolves: boolean;
  readonly tls: 'verified' | 'unverified' | 'none';
  readonly because: string;
}

/** The remedy with all that is known beyond its one sentence. */
export function remedyInFull({ remedy, further }: Advice): string {
  return further === undefined ? remedy : `${remedy} ${further}`;
}
