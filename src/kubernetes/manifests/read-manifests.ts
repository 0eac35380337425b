/**
 * Door: Kubernetes manifests → what a node would be asked to pull, with the credentials that go with it. Does what the API server
 * and the admission controller would do to the objects, as far as it concerns images; never asks a cluster.
 */
import type { PullSecret } from '#kubelet/keyring.ts';
import { type Fields, isFields } from '#data/fields.ts';
import { parseImage, pullPolicyOf } from '#image/reference.ts';
import { type Placement, placementOf } from '#kubelet/placement.ts';
import type { Demand, PullPolicy, Requester } from '#node/view.ts';
import { elsewhere, givenSecrets, secretsFor } from './secrets-in-stream.ts';
import { sooner } from '#kubernetes/deadline.ts';
import type { GivenSecrets } from './secrets-in-stream.ts';
import { limits, readStream } from './manifest-stream.ts';
import type { Remark } from './manifest-stream.ts';
import { manifestsIn, podSpecsIn, textOf } from './pod-specs.ts';
import type { Manifest, PodSpec } from './pod-specs.ts';

export interface Manifests {
  /** In the order of the stream. */
  readonly demands: readonly Demand[];
  /** Of each demand, in the same order: where the Pods that want it may land. */
  readonly placements: readonly (readonly Placement[])[];
  /** What could not be read: an image may have gone unseen. */
  readonly problems: readonly Remark[];
  /** What was read, though not as its author may think. */
  readonly hints: readonly Remark[];
}

/** One image in one place of one Pod. */
interface Want {
  readonly written: string;
  readonly policy: PullPolicy;
  readonly requester: Requester;
  readonly placement: Placement;
  readonly deadlineS: number | undefined;
}

interface Wanted {
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
  const wanted = new Map<string, Wanted>();
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

function addPod(pod: PodSpec, given: GivenSecrets, into: { wanted: Map<string, Wanted>; notes: Notes }): void {
  const secrets = secretsFor(pod, given);
  for (const secret of secrets) {
    const others = elsewhere(secret, given);
    if (others.length === 0) continue;
    const where = others.map((namespace) => `namespace ${namespace}`).join(' and ');
    const what = `its pull secret ${secret.name} stands in ${where}; a Pod can only use secrets of its own (${pod.namespace})`;
    into.notes.hints.push({ at: pod.at, what });
  }
  const placement = placementOf(pod.spec, pod.kind);
  for (const what of placement.problems) into.notes.hints.push({ at: pod.at, what });
  for (const want of wantsOf(pod, into.notes)) addWant({ ...want, placement }, secrets, into.wanted);
}

/** Wants that differ in nothing the kubelet's answer depends on become one demand. */
function addWant(
  { written, policy, requester, placement, deadlineS }: Want,
  secrets: readonly PullSecret[],
  wanted: Map<string, Wanted>,
): void {
  const key = JSON.stringify([written, policy, ...secrets.map(({ namespace, name }) => `${namespace}/${name}`)]);
  const known = wanted.get(key);
  const by = known?.by ?? new Map<string, Requester>();
  by.set(JSON.stringify(requester), requester);
  const placements = known?.placements ?? new Map<string, Placement>();
  placements.set(JSON.stringify(placement), placement);
  wanted.set(key, { written, policy, secrets, by, placements, deadlineS: sooner(known?.deadlineS, deadlineS) });
}

function demandOf({ written, policy, secrets, by, deadlineS }: Wanted): Demand {
  const requestedBy = [...by.values()];
  const deadline = deadlineS === undefined ? {} : { deadlineS };
  return { image: parseImage(written), written, policy, requestedBy, secrets, present: 'unknown', ...deadline };
}

type Bare = Omit<Want, 'placement'>;

function* wantsOf(pod: PodSpec, notes: Notes): Generator<Bare> {
  for (const entry of entriesOf(pod, 'initContainers'))
    yield* containerWant(pod, { entry, what: 'init container' }, notes);
  for (const entry of entriesOf(pod, 'containers')) yield* containerWant(pod, { entry, what: 'container' }, notes);
  for (const entry of entriesOf(pod, 'ephemeralContainers')) {
    yield* containerWant(pod, { entry, what: 'ephemeral container' }, notes);
  }
  for (const volume of entriesOf(pod, 'volumes')) {
    if (!isFields(volume['image'])) continue;
    const { reference, pullPolicy } = volume['image'];
    yield* want(pod, { part: `image volume ${textOf(volume['name'])}`, image: reference, policy: pullPolicy }, notes);
  }
}

function containerWant(pod: PodSpec, of: { entry: Fields; what: string }, notes: Notes): Generator<Bare> {
  const part = `${of.what} ${textOf(of.entry['name'])}`.trimEnd();
  return want(pod, { part, image: of.entry['image'], policy: of.entry['imagePullPolicy'] }, notes);
}

function* want(pod: PodSpec, of: { part: string; image: unknown; policy: unknown }, notes: Notes): Generator<Bare> {
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

/** What is written, or the API server's default (core/v1 defaults.go SetDefaults_Container). */
function policyOf(of: { image: unknown; policy: unknown }, at: string, notes: Notes): PullPolicy {
  const { policy } = of;
  if (policy === 'Always' || policy === 'IfNotPresent' || policy === 'Never') return policy;
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
