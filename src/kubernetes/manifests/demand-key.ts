/**
 * Which demands are the same, the contents of their pull secrets included: by a keyed hash, whose key lives and dies with the
 * process, so that a key tells nothing about what a secret holds.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { PullSecret } from '#kubelet/keyring.ts';
import type { Demand } from '#node/view.ts';

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
