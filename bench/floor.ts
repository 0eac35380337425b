/**
 * The physical floor: what undici takes for the requests that no rehearsal can do without, and nothing else. It looks up no
 * name, checks no digest, keeps no record; it knows beforehand which platform it wants.
 */
import { Agent, request } from 'undici';
import type { Layout, Target } from './fields.ts';
import { atOnce, each, perRegistry } from './pace.ts';

interface Listed {
  readonly manifests?: readonly { readonly digest: string; readonly platform?: { readonly architecture: string } }[];
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string; readonly size: number }[];
}

const accept = {
  accept:
    'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json, */*',
};
const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
/** As drypull samples: see src/stage/fetch.ts. */
const wholeBelow = 65_536;
const sample = { range: 'bytes=0-4095' };

export type Wish = 'cold' | 'warm';

/** cold: tag, index, manifest, then config and layers together. warm: the tag, whose content is known. */
export async function floor(layout: Layout, targets: readonly Target[], request: Wish): Promise<void> {
  const dispatcher = new Agent({ connections: perRegistry, pipelining: 1, connect: { ca: layout.authority } });
  try {
    await each(targets, atOnce, (target) =>
      request === 'warm' ? resolve(dispatcher, target) : pull(dispatcher, target),
    );
  } finally {
    await dispatcher.close();
  }
}

async function resolve(dispatcher: Agent, target: Target): Promise<string> {
  const { headers, body } = await request(`${baseOf(target)}/manifests/${target.tag}`, {
    method: 'HEAD',
    headers: accept,
    // undici would close the connection after every HEAD.
    reset: false,
    dispatcher,
  });
  await body.dump();
  return String(headers['docker-content-digest']);
}

async function pull(dispatcher: Agent, target: Target): Promise<void> {
  const get = async (object: string, headers: Record<string, string> = accept): Promise<Buffer> => {
    const { body } = await request(`${baseOf(target)}/${object}`, { headers, dispatcher });
    return Buffer.from(await body.arrayBuffer());
  };
  const top = await get(`manifests/${await resolve(dispatcher, target)}`);
  const { manifests } = JSON.parse(top.toString()) as Listed;
  const ours = manifests?.find(({ platform }) => platform?.architecture === architecture);
  const { config, layers } = JSON.parse((await get(`manifests/${ours?.digest ?? ''}`)).toString()) as Listed;
  const blobs = layers.map(({ digest, size }) => get(`blobs/${digest}`, size > wholeBelow ? sample : accept));
  await Promise.all([get(`blobs/${config.digest}`), ...blobs]);
}

function baseOf({ loopback, repository }: Target): string {
  return `https://${loopback}/v2/${repository}`;
}
