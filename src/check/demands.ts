/** What `drypull check` is to rehearse: images and manifests that were named, with their pull secrets. */
import type { PullSecret } from '#kubelet/keyring.ts';
import { type Placement, placementOf } from '#kubelet/placement.ts';
import type { Demand } from '#node/view.ts';
import { bareDemand, pullSecretOf } from '#config/image-demand.ts';
import { readManifests } from '#kubernetes/manifests/read-manifests.ts';
import type { CheckRequest } from '#commands/command-line.ts';

const noDockerConfig =
  'not a docker configuration (JSON such as {"auths": {"ghcr.io": {"auth": "…"}}}); a Secret manifest goes with -f';

export interface AskedFor {
  readonly demands: readonly Demand[];
  /** Of each demand, in the same order: where the Pods that want it may land. */
  readonly placements: readonly (readonly Placement[])[];
  /** The call was wrong; nothing is to be rehearsed. */
  readonly errors: readonly string[];
  /** Something could not be read; the rest can. */
  readonly problems: readonly string[];
  readonly hints: readonly string[];
}

type Request_ = Pick<CheckRequest, 'namespace' | 'images' | 'files' | 'pullSecrets'>;
/** A file by its path, or standard input for `-`. */
export type Read = (
  path: string,
) => Promise<{ readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string }>;

/** Undefined where there is nothing to check: it was said why. */
export async function askedFor(
  request: Request_,
  read: Read,
  print: (line: string) => void,
): Promise<AskedFor | undefined> {
  const asked = await readDemands(request, read);
  for (const line of [...asked.errors, ...asked.problems, ...asked.hints]) print(line);
  if (asked.errors.length > 0) return undefined;
  if (asked.demands.length > 0) return asked;
  print('no image found in what was given: nothing to check');
  return undefined;
}

async function readDemands(request: Request_, read: Read): Promise<AskedFor> {
  const { namespace, images, files } = request;
  const errors: string[] = [];
  const [problems, hints]: [string[], string[]] = [[], []];
  const secrets: PullSecret[] = [];
  for (const path of request.pullSecrets) {
    const input = await read(path);
    const secret = input.ok ? pullSecretOf(path, input.text, namespace) : undefined;
    if (secret !== undefined) secrets.push(secret);
    else errors.push(`--pull-secret ${path}: ${input.ok ? noDockerConfig : input.why}`);
  }
  if (secrets.length > 0 && images.length === 0)
    hints.push('--pull-secret serves IMAGE arguments only; manifests bring their own Secrets');
  const demands: Demand[] = images.map((written) => bareDemand(written, secrets));
  const placements: (readonly Placement[])[] = demands.map(() => [placementOf({})]);
  for (const path of files) {
    const name = path === '-' ? 'standard input' : path;
    const input = await read(path);
    if (!input.ok) {
      errors.push(`-f ${path}: ${input.why}`);
      continue;
    }
    const found = readManifests(input.text, { namespace });
    demands.push(...found.demands);
    placements.push(...found.placements);
    problems.push(...found.problems.map(({ at, what }) => `${name}, ${at}: ${what}`));
    hints.push(...found.hints.map(({ at, what }) => `${name}, ${at}: ${what}`));
  }
  return { demands, placements, errors, problems, hints };
}
