/**
 * Door: demands as a Kubernetes stream that an agent reads: one Pod for each, named by its place in the list, and the pull secrets
 * that were given. The opposite of read-manifests.ts, and far shorter than what the demands were read from.
 */
import type { PullSecret } from '#kubelet/keyring.ts';
import type { Demand, Requester } from '#node/view.ts';

const bare = 'default';

export function streamOf(demands: readonly Demand[]): string {
  const secrets = new Map<string, unknown>();
  for (const { secrets: named } of demands) {
    for (const secret of named) {
      const object = secretObject(secret);
      if (object !== undefined) secrets.set(JSON.stringify([secret.namespace, secret.name]), object);
    }
  }
  const pods = demands.map((demand, place) => podObject(demand, place));
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [...secrets.values(), ...pods] });
}

/** The place in the list of the demand that a report from such a stream answers. */
export function placeOf(requestedBy: readonly Requester[]): number | undefined {
  const [, place] = /^demand-(\d{1,6})$/.exec(requestedBy[0]?.name ?? '') ?? [];
  return place === undefined ? undefined : Number(place);
}

function podObject({ written, policy, secrets }: Demand, place: number): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: secrets[0]?.namespace ?? bare, name: `demand-${place}` },
    spec: {
      containers: [{ name: 'image', image: written, imagePullPolicy: policy }],
      ...(secrets.length === 0 ? {} : { imagePullSecrets: secrets.map(({ name }) => ({ name })) }),
    },
  };
}

function secretObject({ namespace, name, state }: PullSecret): unknown {
  if (state.is !== 'given') return undefined;
  const data = Object.entries(state.data).map(
    ([key, value]) => [key, Buffer.from(value.reveal(), 'utf8').toString('base64')] as const,
  );
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: state.type,
    metadata: { namespace, name },
    data: Object.fromEntries(data),
  };
}
