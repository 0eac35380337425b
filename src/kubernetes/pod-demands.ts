/**
 * Pods, the Node and the configuration's own wishes joined into one list of demands: each image once for each policy and
 * each list of pull secrets, with everybody who wants it. Secrets are named here and never read.
 */
import type { PullSecret } from '#kubelet/keyring.ts';
import type { Image } from '#image/reference.ts';
import { omit } from '#data/omit.ts';
import type { Outcome } from '#report/outcome.ts';
import { allArchitectures } from '#kubelet/placement-architectures.ts';
import type { Demand, PullPolicy, Requester } from '#node/view.ts';
import { sooner } from './deadline.ts';
import type { NodeImages } from './node-facts.ts';
import type { PodSeen } from './pods.ts';

/** How a reference is read: the grammar lives in the courtyard. */
export type ReadImage = (written: string) => Outcome<Image>;

/** Of one tag, so many contents at one time; more tell nothing more. */
const mostRunning = 8;

interface Draft {
  readonly written: string;
  readonly policy: PullPolicy;
  readonly secrets: readonly PullSecret[];
  readonly requestedBy: Requester[];
  seenRunning: boolean;
  deadlineS: number | undefined;
  architectures: readonly string[] | undefined;
  readonly running: Set<string>;
}

/** `nodeImages` is undefined where the Node was not seen. */
export function demandsOf(
  pods: Iterable<PodSeen>,
  nodeImages: NodeImages | undefined,
  readImage: ReadImage,
): readonly Demand[] {
  const drafts = new Map<string, Draft>();
  for (const pod of pods) if (!pod.isOver) addPod(drafts, pod);
  return [...drafts.values()].map((draft) => {
    const { written, policy, secrets, requestedBy } = draft;
    const image = readImage(written);
    const present = draft.seenRunning ? 'yes' : presenceOf(image, nodeImages);
    const running = [...draft.running].slice(0, mostRunning);
    return { image, written, policy, requestedBy, secrets, present, ...known({ ...draft, running }) };
  });
}

interface Knowable {
  readonly running: readonly string[];
  readonly deadlineS: number | undefined;
  readonly architectures: readonly string[] | undefined;
}

function known({
  running,
  deadlineS,
  architectures,
}: Knowable): Pick<Demand, 'running' | 'deadlineS' | 'architectures'> {
  return {
    ...(running.length === 0 ? {} : { running }),
    ...(deadlineS === undefined ? {} : { deadlineS }),
    ...(architectures === undefined ? {} : { architectures }),
  };
}

function addPod(drafts: Map<string, Draft>, pod: PodSeen): void {
  for (const use of pod.uses) {
    // Secrets are looked up in the Pod's namespace: without any, the namespace makes no difference.
    const scope = pod.secretNames.length === 0 ? [] : [pod.namespace, ...pod.secretNames];
    const key = JSON.stringify([use.written, use.policy, ...scope]);
    const before = drafts.get(key);
    const draft = before ?? {
      written: use.written,
      policy: use.policy,
      secrets: pod.secretNames.map((name) => unread(pod.namespace, name)),
      requestedBy: [],
      seenRunning: false,
      deadlineS: undefined,
      architectures: pod.architectures,
      running: new Set<string>(),
    };
    if (before !== undefined) draft.architectures = allArchitectures(draft.architectures, pod.architectures);
    draft.deadlineS = sooner(draft.deadlineS, pod.deadlineS);
    draft.requestedBy.push(use.requester);
    // An image of a started container is on the node, whatever the Node's own list has room for.
    const container = pod.containers.find(({ name }) => name === use.container);
    draft.seenRunning ||= container?.state === 'running' && container.imageId !== '';
    if (container?.state === 'running') for (const digest of digestIn(container.imageId)) draft.running.add(digest);
    drafts.set(key, draft);
  }
}

/** `docker.io/library/nginx@sha256:…`; a bare digest is the configuration's (containerd: an image without a name), and says nothing of the tag. */
function digestIn(imageId: string): readonly string[] {
  return /@(sha(?:256|384|512):[0-9a-f]{64,128})$/.exec(imageId)?.slice(1, 2) ?? [];
}

function unread(namespace: string, name: string): PullSecret {
  return { namespace, name, state: { is: 'unseen', why: 'not_given' } };
}

/** By the exact names that the runtime would look for: another tag of the same content is not on the node for it. */
export function presenceOf(image: Outcome<Image>, images: NodeImages | undefined): Demand['present'] {
  if (!image.ok || images === undefined) return 'unknown';
  const { repository, digest, runtime } = image.value;
  if (images.names.has(digest === undefined ? runtime : `${repository}@${digest}`)) return 'yes';
  return images.isComplete ? 'no' : 'unknown';
}

/** The runtime's sandbox image: no Pod names it, no pull secret serves it, and the runtime pulls it where it is absent. */
export function sandboxDemand(
  sandboxImage: string,
  nodeImages: NodeImages | undefined,
  readImage: ReadImage,
): Demand | undefined {
  if (sandboxImage === '') return undefined;
  const image = readImage(sandboxImage);
  const requestedBy = [{ kind: 'Runtime', namespace: '', name: 'sandbox', part: 'sandbox image' }];
  const present = presenceOf(image, nodeImages);
  return { image, written: sandboxImage, policy: 'IfNotPresent', requestedBy, secrets: [], present };
}

/**
 * Demands of several sources in one list. The same image under the same policy and secrets is one demand; what one source
 * knows of its presence serves the others.
 */
export function joinDemands(...sources: readonly (readonly Demand[])[]): readonly Demand[] {
  const joined = new Map<string, Demand>();
  for (const demand of sources.flat()) {
    const key = demandKey(demand);
    const before = joined.get(key);
    joined.set(key, before === undefined ? demand : merged(before, demand));
  }
  return [...joined.values()];
}

/** Demands of one key are one question to the registry. */
export function demandKey({ written, policy, secrets }: Demand): string {
  return JSON.stringify([written, policy, secrets.map(({ namespace, name }) => [namespace, name])]);
}

function merged(one: Demand, other: Demand): Demand {
  const requestedBy = [...one.requestedBy, ...other.requestedBy];
  const running = [...new Set([...(one.running ?? []), ...(other.running ?? [])])].slice(0, mostRunning);
  const present = one.present === 'unknown' ? other.present : one.present;
  return {
    ...omit(one, 'architectures'),
    requestedBy,
    present,
    ...known({
      running,
      deadlineS: sooner(one.deadlineS, other.deadlineS),
      architectures: allArchitectures(one.architectures, other.architectures),
    }),
  };
}
