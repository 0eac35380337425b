/** What the configuration asks for: its images, their pull secrets read anew, and its canaries. */
import type { PullSecret } from '#kubelet/keyring.ts';
import type { Demand } from '#node/view.ts';
import { bareDemand, pullSecretOf } from './image-demand.ts';
import type { Config } from './config.ts';
import { readInput } from '#node/read-input.ts';

const secretBytes = 1 << 20;

export async function configuredDemands({ images, canaries }: Config): Promise<readonly Demand[]> {
  const listed = await Promise.all(
    images.map(async ({ image, pullSecrets, policy }) => {
      const secrets = await Promise.all(pullSecrets.map(readSecret));
      return bareDemand(image, secrets, policy ?? undefined);
    }),
  );
  const more = canaries.filter((canary) => !images.some(({ image }) => image === canary));
  return [...listed, ...[...new Set(more)].map((canary) => bareDemand(canary, []))];
}

async function readSecret(path: string): Promise<PullSecret> {
  const input = await readInput(path, secretBytes);
  const given = input.ok ? pullSecretOf(path, input.text, 'configuration') : undefined;
  return given ?? { namespace: 'configuration', name: path, state: { is: 'unseen', why: 'unreachable' } };
}
