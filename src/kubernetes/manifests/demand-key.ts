/**
 * A key that is equal for equal demands, including the contents of their pull secrets: a keyed hash whose key exists in this process
 * only, so that it reveals nothing about a secret.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { PullSecret } from '#kubelet/pull-secret.ts';
import type { Demand } from '#kubelet/demand.ts';

export function demandKeys(): (demand: Demand) => string {
  const key = randomBytes(32);
  return ({ written, policy, secrets }) =>
    createHmac('sha256', key)
      .update(JSON.stringify([written, policy, secrets.map(identityOf)]))
      .digest('base64');
}

function identityOf({ namespace, name, state }: PullSecret): unknown {
  if (state.is !== 'given') return [namespace, name, state.is];
  const contents = Object.entries(state.data).map(([entry, secret]) => [entry, secret.reveal()]);
  return [namespace, name, state.type, contents];
}
