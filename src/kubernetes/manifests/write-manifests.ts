/**
 * Writes demands as a Kubernetes stream for an agent: one Pod for each demand, named by its position in the list, and the pull
 * secrets that were given. The inverse of read-manifests.ts, and much shorter than the original manifests.
 */
import type { PullSecret } from '#kubelet/pull-secret.ts';
import type { Demand, Requester } from '#kubelet/demand.ts';

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

/** The position of the demand that a report about such a stream answers. */
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
