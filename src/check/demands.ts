/** The demands of `drypull check`: the given images and manifests, with their pull secrets. */
import type { PullSecret } from '#kubelet/pull-secret.ts';
import { type Placement, placementOf } from '#kubelet/placement-spec.ts';
import type { Demand } from '#kubelet/demand.ts';
import { bareDemand, pullSecretOf } from '#config/image-demand.ts';
import { readManifests } from '#kubernetes/manifests/read-manifests.ts';
import type { CheckRequest } from '#commands/command-line.ts';

const noDockerConfig =
  'not a docker configuration, which is JSON such as {"auths": {"ghcr.io": {"auth": "…"}}}; give a Secret manifest with -f';

interface GivenDemands {
  readonly demands: readonly Demand[];
  /** For each demand, in the same order: where the Pods that use it may be scheduled. */
  readonly placements: readonly (readonly Placement[])[];
  /** The command line is wrong: nothing is rehearsed. */
  readonly errors: readonly string[];
  /** A part that cannot be read; the others can. */
  readonly problems: readonly string[];
  readonly hints: readonly string[];
}

type DemandRequest = Pick<CheckRequest, 'namespace' | 'images' | 'files' | 'pullSecrets'>;
/** A file by its path, or standard input for `-`. */
export type Read = (
  path: string,
) => Promise<{ readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string }>;

/** Undefined: there is nothing to check, and the reason is printed. */
export async function readDemands(
  request: DemandRequest,
  read: Read,
  print: (line: string) => void,
): Promise<GivenDemands | undefined> {
  const given = await collect(request, read);
  for (const line of [...given.errors, ...given.problems, ...given.hints]) print(line);
  if (given.errors.length > 0) return undefined;
  if (given.demands.length > 0) return given;
  print('no image found: nothing to check. Give an IMAGE, or manifests of Pods or workloads with -f FILE');
  return undefined;
}

async function collect(request: DemandRequest, read: Read): Promise<GivenDemands> {
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
