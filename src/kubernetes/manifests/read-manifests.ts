/**
 * Turns Kubernetes manifests into demands: the images that a node would pull, and their pull secrets. Applies the defaults of the API
 * server and of admission that concern images, without a cluster.
 */
import type { PullSecret } from '#kubelet/pull-secret.ts';
import { type Placement, placementOf } from '#kubelet/placement-spec.ts';
import type { Demand, Requester } from '#kubelet/demand.ts';
import { type Fields, isFields } from '#data/fields.ts';
import { parseImage } from '#image/reference.ts';
import { givenSecrets, otherNamespaces, secretsFor } from './secrets-in-stream.ts';
import { sooner } from '#kubernetes/deadline.ts';
import type { GivenSecrets } from './secrets-in-stream.ts';
import { limits, readStream } from './manifest-stream.ts';
import type { Remark } from './manifest-stream.ts';
import { manifestsIn, podSpecsIn, textOf } from './pod-specs.ts';
import type { Manifest, PodSpec } from './pod-specs.ts';
import { isPullPolicy, type PullPolicy, pullPolicyOf } from '#kubelet/pull-policy.ts';

export interface Manifests {
  /** In the order of the stream. */
  readonly demands: readonly Demand[];
  /** For each demand, in the same order: where its Pods may be placed. */
  readonly placements: readonly (readonly Placement[])[];
  /** What could not be read: an image may be missing from the result. */
  readonly problems: readonly Remark[];
  /** What was read, but perhaps not as its author intends. */
  readonly hints: readonly Remark[];
}

/** One image of one container or volume of one Pod. */
interface ImageUse {
  readonly written: string;
  readonly policy: PullPolicy;
  readonly requester: Requester;
  readonly placement: Placement;
  readonly deadlineS: number | undefined;
}

interface DraftDemand {
  readonly written: string;
  readonly policy: PullPolicy;
  readonly secrets: readonly PullSecret[];
  readonly by: Map<string, Requester>;
  readonly placements: Map<string, Placement>;
  readonly deadlineS: number | undefined;
}

interface Notes {
  readonly problems: Remark[];
  readonly hints: Remark[];
}

export function readManifests(text: string, options: { readonly namespace: string }): Manifests {
  const stream = readStream(text);
  const notes: Notes = { problems: [...stream.problems], hints: [...stream.hints] };
  const manifests: Manifest[] = [];
  for (const piece of stream.pieces) {
    for (const found of manifestsIn(piece, options.namespace)) {
      if ('what' in found) notes.problems.push(found);
      else manifests.push(found);
    }
  }
  const given = givenSecrets(manifests);
  notes.problems.push(...given.problems);
  notes.hints.push(...given.hints);
  const wanted = new Map<string, DraftDemand>();
  for (const manifest of manifests) {
    const { specs, problems } = podSpecsIn(manifest);
    notes.problems.push(...problems);
    for (const pod of specs) addPod(pod, given, { wanted, notes });
  }
  return {
    demands: [...wanted.values()].map(demandOf),
    placements: [...wanted.values()].map(({ placements }) => [...placements.values()]),
    problems: bounded(notes.problems),
    hints: bounded(notes.hints),
  };
}

function addPod(pod: PodSpec, given: GivenSecrets, into: { wanted: Map<string, DraftDemand>; notes: Notes }): void {
  const secrets = secretsFor(pod, given);
  for (const secret of secrets) {
    const others = otherNamespaces(secret, given);
    if (others.length === 0) continue;
    const where = others.map((namespace) => `namespace ${namespace}`).join(' and ');
    const what = `its pull secret ${secret.name} is in ${where}; a Pod can only use secrets of its own (${pod.namespace})`;
    into.notes.hints.push({ at: pod.at, what });
  }
  const placement = placementOf(pod.spec, pod.kind);
  for (const what of placement.problems) into.notes.hints.push({ at: pod.at, what });
  for (const use of usesOf(pod, into.notes)) addUse({ ...use, placement }, secrets, into.wanted);
}

/** Uses that are equal in everything that the kubelet's result depends on become one demand. */
function addUse(
  { written, policy, requester, placement, deadlineS }: ImageUse,
  secrets: readonly PullSecret[],
  wanted: Map<string, DraftDemand>,
): void {
  const key = JSON.stringify([written, policy, ...secrets.map(({ namespace, name }) => `${namespace}/${name}`)]);
  const known = wanted.get(key);
  const by = known?.by ?? new Map<string, Requester>();
  by.set(JSON.stringify(requester), requester);
  const placements = known?.placements ?? new Map<string, Placement>();
  placements.set(JSON.stringify(placement), placement);
  wanted.set(key, { written, policy, secrets, by, placements, deadlineS: sooner(known?.deadlineS, deadlineS) });
}

function demandOf({ written, policy, secrets, by, deadlineS }: DraftDemand): Demand {
  const requestedBy = [...by.values()];
  const deadline = deadlineS === undefined ? {} : { deadlineS };
  return { image: parseImage(written), written, policy, requestedBy, secrets, present: 'unknown', ...deadline };
}

type UnplacedUse = Omit<ImageUse, 'placement'>;

function* usesOf(pod: PodSpec, notes: Notes): Generator<UnplacedUse> {
  for (const entry of entriesOf(pod, 'initContainers'))
    yield* containerUse(pod, { entry, what: 'init container' }, notes);
  for (const entry of entriesOf(pod, 'containers')) yield* containerUse(pod, { entry, what: 'container' }, notes);
  for (const entry of entriesOf(pod, 'ephemeralContainers')) {
    yield* containerUse(pod, { entry, what: 'ephemeral container' }, notes);
  }
  for (const volume of entriesOf(pod, 'volumes')) {
    if (!isFields(volume['image'])) continue;
    const { reference, pullPolicy } = volume['image'];
    yield* useOf(pod, { part: `image volume ${textOf(volume['name'])}`, image: reference, policy: pullPolicy }, notes);
  }
}

function containerUse(pod: PodSpec, of: { entry: Fields; what: string }, notes: Notes): Generator<UnplacedUse> {
  const part = `${of.what} ${textOf(of.entry['name'])}`.trimEnd();
  return useOf(pod, { part, image: of.entry['image'], policy: of.entry['imagePullPolicy'] }, notes);
}

function* useOf(
  pod: PodSpec,
  of: { part: string; image: unknown; policy: unknown },
  notes: Notes,
): Generator<UnplacedUse> {
  const at = `${pod.at}, ${of.part}`;
  if (typeof of.image !== 'string' || of.image === '') {
    const what =
      of.image === undefined || of.image === null || of.image === ''
        ? 'no image is named'
        : 'its image is not text: quote it';
    notes.problems.push({ at, what });
    return;
  }
  const { kind, namespace, name, deadlineS } = pod;
  const requester = { kind, namespace, name, part: of.part };
  yield { written: of.image, policy: policyOf(of, at, notes), requester, deadlineS };
}

/** The written policy, or the API server's default. */
function policyOf(of: { image: unknown; policy: unknown }, at: string, notes: Notes): PullPolicy {
  const { policy } = of;
  if (isPullPolicy(policy)) return policy;
  if (policy !== undefined && policy !== null && policy !== '') {
    const given = typeof policy === 'string' ? `"${policy.slice(0, 60)}"` : `a ${typeof policy}`;
    const what = `its pull policy is ${given}, which the API server refuses; it may be Always, IfNotPresent or Never`;
    notes.problems.push({ at, what });
  }
  return pullPolicyOf(textOf(of.image));
}

function entriesOf(pod: PodSpec, key: string): readonly Fields[] {
  const list = pod.spec[key];
  return Array.isArray(list) ? list.filter(isFields) : [];
}

function bounded(remarks: readonly Remark[]): readonly Remark[] {
  if (remarks.length <= limits.remarks) return remarks;
  const rest = remarks.length - limits.remarks;
  return [...remarks.slice(0, limits.remarks), { at: 'the rest', what: `${rest} more of the kind` }];
}
