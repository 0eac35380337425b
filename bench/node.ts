/** The node on which drypull is measured: a root whose hosts file names loopback and whose one authority is the benchmark's. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeRoot } from '../test/kit/node-root.ts';
import type { Layout, Target } from './fields.ts';

export const runtime = 'containerd://2.1.9';

export interface BenchNode extends AsyncDisposable {
  readonly root: string;
  /** The authority's certificate, for programs that want a file. */
  readonly caFile: string;
  /** Writes a file beside the root and says where. */
  readonly write: (name: string, text: string) => Promise<string>;
}

export async function benchNode(layout: Layout): Promise<BenchNode> {
  const names = new Set(Object.values(layout.fields).flatMap(({ targets }) => targets.map(nameOf)));
  const bundle = 'etc/ssl/certs/ca-certificates.crt';
  const root = await nodeRoot({
    'etc/hosts': ['localhost', ...names].map((name) => `127.0.0.1 ${name}\n`).join(''),
    'etc/hostname': 'bench\n',
    'etc/nsswitch.conf': 'hosts: files dns\n',
    'etc/resolv.conf': 'nameserver 127.0.0.1\n',
    'etc/containerd/config.toml': 'version = 3\n',
    [bundle]: layout.authority,
  });
  return {
    root: root.path,
    caFile: join(root.path, bundle),
    write: async (name, text) => {
      const path = join(root.path, name);
      await writeFile(path, text);
      return path;
    },
    [Symbol.asyncDispose]: root[Symbol.asyncDispose],
  };
}

export function referenceOf({ named, repository, tag }: Target): string {
  return `${named}/${repository}:${tag}`;
}

function nameOf({ named }: Target): string {
  return named.slice(0, named.indexOf(':'));
}
