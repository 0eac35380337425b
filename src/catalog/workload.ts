/**
 * One workload, reduced to what its Pods will ask of the node that gets them. The object itself is forgotten at once: twenty
 * thousand of them have to fit.
 */
import type { Fields } from '#data/fields.ts';
import type { PullPolicy } from '#node/view.ts';
import { at, fieldsOf, listAt, textAt } from '#kubernetes/api/json.ts';
import { imagesOf, secretNamesOf } from '#kubernetes/pod-images.ts';
import { type WorkloadKind, isLeftOut, kindOf, podSpecsOf } from './workload-kinds.ts';

export interface Workload {
  readonly uid: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly pods: readonly FuturePod[];
}

export interface FuturePod {
  readonly uses: readonly { readonly written: string; readonly policy: PullPolicy; readonly part: string }[];
  /** `Terms` as JSON, and `Placed` as JSON: thousands of workloads share one of a few. */
  readonly terms: string;
  readonly placed: string;
}

/** In whose name an image is pulled. */
export interface Terms {
  readonly namespace: string;
  readonly pullSecrets: readonly string[];
  readonly serviceAccount: string;
}

/** What of a Pod's spec decides where it may land, as it is written there; and whether a DaemonSet makes the Pod. */
export interface Placed {
  readonly spec: Fields;
  readonly isDaemon: boolean;
}

/** Undefined for what will make no Pods, or is spoken for by its owner. */
export function readWorkload(object: unknown, kind: WorkloadKind, one = new OneCopy()): Workload | undefined {
  const [uid, namespace, name] = ['uid', 'namespace', 'name'].map((field) => textAt(object, 'metadata', field));
  if (!uid || !namespace || !name || isLeftOut(object, kind)) return undefined;
  const own = kindOf(object, kind);
  const isDaemon = kind.group === 'apps' && kind.plural === 'daemonsets';
  const pods = podSpecsOf(object, kind).map((spec) => futurePod(spec, { kind: own, namespace, name, isDaemon }, one));
  return pods.length === 0 ? undefined : { uid, kind: own, namespace, name, pods };
}

/** Equal texts kept once: thousands of workloads say the same. */
export class OneCopy {
  readonly #texts = new Map<string, string>();

  of(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= mostTexts) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }
}

const mostTexts = 20_000;

interface Owner {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly isDaemon: boolean;
}

function futurePod(spec: unknown, { isDaemon, ...owner }: Owner, one: OneCopy): FuturePod {
  return {
    uses: imagesOf(spec, owner).map(({ written, policy, requester }) => ({
      written: one.of(written),
      policy,
      part: one.of(requester.part),
    })),
    terms: one.of(JSON.stringify(termsOf(spec, owner.namespace))),
    placed: one.of(JSON.stringify({ spec: schedulingOf(spec), isDaemon } satisfies Placed)),
  };
}

function termsOf(spec: unknown, namespace: string): Terms {
  const serviceAccount = textAt(spec, 'serviceAccountName') || textAt(spec, 'serviceAccount') || 'default';
  return { namespace, pullSecrets: secretNamesOf(spec), serviceAccount };
}

/** Only what pull/placement.ts looks at, so that what makes no difference makes no other demand. */
function schedulingOf(spec: unknown): Fields {
  const required = at(spec, 'affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution');
  const selector = Object.entries(fieldsOf(at(spec, 'nodeSelector')) ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const os = textAt(spec, 'os', 'name');
  const tolerations = listAt(spec, 'tolerations').map((toleration) => withoutSeconds(toleration));
  const nodeName = textAt(spec, 'nodeName');
  return {
    ...(nodeName === '' ? {} : { nodeName }),
    ...(os === '' ? {} : { os: { name: os } }),
    ...(selector.length === 0 ? {} : { nodeSelector: Object.fromEntries(selector) }),
    ...(required === undefined || required === null
      ? {}
      : { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } }),
    ...(tolerations.length === 0 ? {} : { tolerations }),
  };
}

/** How long a Pod may stay says nothing on where it may land. */
function withoutSeconds(toleration: unknown): unknown {
  const fields = Object.entries(fieldsOf(toleration) ?? {});
  return Object.fromEntries(fields.filter(([key]) => key !== 'tolerationSeconds'));
}
