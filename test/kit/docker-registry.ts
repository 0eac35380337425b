/** The distribution project's own registry (Debian's docker-registry) on 127.0.0.1, and images pushed into it. */
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { basicHeader } from './fake-registry-auth.ts';
import type { BuiltImage, Stored } from './image.ts';
import { freePort, listens, scratch, start, type Program } from './program.ts';

const run = promisify(execFile);

export interface DockerRegistryWish {
  /** Default: a free one. */
  readonly port?: number;
  /** PEM texts. With `ca`, clients must show a certificate that it signed. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** One htpasswd user. */
  readonly user?: readonly [name: string, password: string];
  /** It is a pull-through cache of the registry at this URL, and takes no push. */
  readonly upstream?: string;
}

export interface DockerRegistry extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly program: Program;
  /** Under `repository:tag`. */
  readonly push: (name: string, built: BuiltImage) => Promise<void>;
  /** Takes this content from its disk, as an expiry or a cleaned disk does; the tags that lead there stay. */
  readonly lose: (digest: string) => Promise<void>;
}

/** What a push with a client certificate would need is left out: push before, or into an open registry. */
export async function dockerRegistry(request: DockerRegistryWish = {}): Promise<DockerRegistry> {
  const directory = await scratch('docker-registry');
  const port = request.port ?? (await freePort());
  const { tls } = request;
  if (tls) {
    await writeFile(join(directory, 'cert.pem'), tls.cert);
    await writeFile(join(directory, 'key.pem'), tls.key);
    if (tls.ca !== undefined) await writeFile(join(directory, 'ca.pem'), tls.ca);
  }
  if (request.user) {
    const { stdout } = await run('htpasswd', ['-nbB', '-C', '4', ...request.user]);
    await writeFile(join(directory, 'htpasswd'), stdout.trim());
  }
  await writeFile(join(directory, 'config.yml'), JSON.stringify(configuration(request, directory, port)));
  const ready = (): Promise<boolean> => listens(port);
  const program = await start({ command: 'docker-registry', args: ['serve', 'config.yml'], ready, directory });
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const push = (name: string, built: BuiltImage): Promise<void> => pushImage({ url, name, built, user: request.user });
  const lose = async (digest: string): Promise<void> => {
    const hex = digest.replace('sha256:', '');
    const place = join(directory, 'storage/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex);
    await rm(place, { recursive: true });
  };
  return { port, url, program, push, lose, [Symbol.asyncDispose]: program.close };
}

function configuration(request: DockerRegistryWish, directory: string, port: number): object {
  const client = request.tls?.ca === undefined ? {} : { clientcas: [join(directory, 'ca.pem')] };
  const tls = { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem'), ...client };
  return {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: join(directory, 'storage') } },
    http: { addr: `127.0.0.1:${port}`, secret: 'for uploads', ...(request.tls ? { tls } : {}) },
    ...(request.upstream === undefined ? {} : { proxy: { remoteurl: request.upstream } }),
    ...(request.user ? { auth: { htpasswd: { realm: 'registry', path: join(directory, 'htpasswd') } } } : {}),
  };
}

interface Push {
  readonly url: string;
  readonly name: string;
  readonly built: BuiltImage;
  readonly user: readonly [name: string, password: string] | undefined;
}

/** Over the distribution API: blobs, then manifests, then the tag. */
async function pushImage({ url, name, built, user }: Push): Promise<void> {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const authorization = user ? { authorization: basicHeader(...user) } : undefined;
  const colon = name.lastIndexOf(':');
  const place = `${url}/v2/${name.slice(0, colon)}`;
  const send = async (
    method: 'POST' | 'PUT',
    to: string,
    { mediaType, bytes }: Omit<Stored, 'digest'>,
  ): Promise<string> => {
    const headers = { ...authorization, 'content-type': mediaType };
    const { statusCode, headers: got, body } = await request(to, { method, dispatcher, headers, body: bytes });
    const text = await body.text();
    if (statusCode >= 300) throw new Error(`${method} ${to}: ${statusCode} ${text}`);
    return String(got['location']);
  };
  for (const blob of built.blobs) {
    const upload = new URL(
      await send('POST', `${place}/blobs/uploads/`, { mediaType: 'text/plain', bytes: Buffer.of() }),
    );
    upload.searchParams.set('digest', blob.digest);
    await send('PUT', upload.href, { ...blob, mediaType: 'application/octet-stream' });
  }
  for (const manifest of built.manifests) await send('PUT', `${place}/manifests/${manifest.digest}`, manifest);
  await send('PUT', `${place}/manifests/${name.slice(colon + 1)}`, built.top);
  await dispatcher.destroy();
}
