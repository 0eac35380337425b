/** One workload, reduced to the images and the placement of its Pods, so that twenty thousand workloads fit in memory. */
import { LRUCache } from 'lru-cache';
import type { Fields } from '#data/fields.ts';
import type { PullPolicy } from '#kubelet/pull-policy.ts';
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

interface FuturePod {
  readonly uses: readonly { readonly written: string; readonly policy: PullPolicy; readonly part: string }[];
  /** `Terms` and `Placed` as JSON: thousands of workloads share a few texts. */
  readonly terms: string;
  readonly placed: string;
}

/** Where the credentials of a pull come from. */
interface Terms {
  readonly namespace: string;
  readonly pullSecrets: readonly string[];
  readonly serviceAccount: string;
}

/** The part of a Pod's spec that decides where it may be scheduled, and whether a DaemonSet creates the Pod. */
interface Placed {
  readonly spec: Fields;
  readonly isDaemon: boolean;
}

/** Undefined: the object creates no Pods, or its owner stands for it. */
export function readWorkload(object: unknown, kind: WorkloadKind, texts = new SharedTexts()): Workload | undefined {
  const [uid, namespace, name] = ['uid', 'namespace', 'name'].map((field) => textAt(object, 'metadata', field));
  if (!uid || !namespace || !name || isLeftOut(object, kind)) return undefined;
  const own = kindOf(object, kind);
  const isDaemon = kind.group === 'apps' && kind.plural === 'daemonsets';
  const pods = podSpecsOf(object, kind).map((spec) => futurePod(spec, { kind: own, namespace, name, isDaemon }, texts));
  return pods.length === 0 ? undefined : { uid, kind: own, namespace, name, pods };
}

const mostTexts = 20_000;

/** Keeps equal texts once: those of thousands of workloads are equal. */
export class SharedTexts {
  readonly #texts = new LRUCache<string, string>({ max: mostTexts });

  of(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }
}

interface Owner {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly isDaemon: boolean;
}

function futurePod(spec: unknown, { isDaemon, ...owner }: Owner, texts: SharedTexts): FuturePod {
  return {
    uses: imagesOf(spec, owner).map(({ written, policy, requester }) => ({
      written: texts.of(written),
      policy,
      part: texts.of(requester.part),
    })),
    terms: texts.of(JSON.stringify(termsOf(spec, owner.namespace))),
    placed: texts.of(JSON.stringify({ spec: schedulingOf(spec), isDaemon } satisfies Placed)),
  };
}

function termsOf(spec: unknown, namespace: string): Terms {
  const serviceAccount = textAt(spec, 'serviceAccountName') || textAt(spec, 'serviceAccount') || 'default';
  return { namespace, pullSecrets: secretNamesOf(spec), serviceAccount };
}

/** Only the fields that kubelet/placement.ts reads, so that workloads which differ elsewhere share one demand. */
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

/** tolerationSeconds has no effect on scheduling. */
function withoutSeconds(toleration: unknown): unknown {
  const fields = Object.entries(fieldsOf(toleration) ?? {});
  return Object.fromEntries(fields.filter(([key]) => key !== 'tolerationSeconds'));
}
