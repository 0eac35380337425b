/**
 * What agents really export: whole agents on nodes that reach both of two registries, one, or none, each scraped once after its
 * first pass. One image has a tag that nobody pushed, and one registry shows a certificate that ends tomorrow.
 */
import { issuer } from './certificates.ts';
import { FakeRegistry, image } from './fake-registry.ts';
import { nodeRoot } from './node-root.ts';
import { wholeAgent } from './whole-agent.ts';

export const fates = ['well', 'one_down', 'cut_off'] as const;
export type Fate = (typeof fates)[number];

export interface Series {
  readonly name: string;
  /** As exported: `registry="docker.io",verdict="pulls"`; empty for none. */
  readonly labels: string;
  readonly value: string;
}

export interface Scrapes {
  readonly of: Readonly<Record<Fate, readonly Series[]>>;
  /** The registry that `one_down` does not reach, as in labels. */
  readonly down: string;
  readonly scrapedAtS: number;
}

/** Nobody listens there. */
const nowhere = '127.0.0.9';

export async function scrapeNodes(): Promise<Scrapes> {
  await using stack = new AsyncDisposableStack();
  const ca = await issuer('Example CA');
  const tls = await ca.issue({ names: ['a.example.test'], endsInDays: 1 });
  const images = { 'team/app:v1': image() };
  const one = stack.use(await FakeRegistry.open({ images, tls }));
  const other = stack.use(await FakeRegistry.open({ images, headers: quotaHeaders }));
  const [a, b] = [`a.example.test:${one.port}`, `b.example.test:${other.port}`];
  const scrape = async (hosts: readonly string[]): Promise<readonly Series[]> => {
    await using root = await nodeRoot({
      'etc/hosts': hosts.join('\n'),
      'etc/nsswitch.conf': 'hosts: files\n',
      'etc/ssl/certs/ca-certificates.crt': ca.cert,
      [`etc/containerd/certs.d/${b}/hosts.toml`]: `server = "http://${b}"\n`,
      'etc/containerd/config.toml':
        'version = 3\n[plugins."io.containerd.cri.v1.images".registry]\n  config_path = "/etc/containerd/certs.d"\n',
    });
    const wanted = [`${a}/team/app:v1`, `${b}/team/app:v1`, `${b}/team/app:gone`];
    const settings = {
      images: wanted,
      jitter: 0,
      nodeName: 'node-7',
      hostRoot: root.path,
      runtime: 'containerd://2.1.9',
    };
    await root.add({ 'drypull.yaml': JSON.stringify({ ...settings, listen: '127.0.0.1:0', checkListen: 'off' }) });
    await using agent = await wholeAgent(`${root.path}/drypull.yaml`);
    await agent.until(async () => (await agent.reports()).length === wanted.length);
    await agent.until(async () => /^drypull_last_pass_timestamp_seconds \d/m.test(await agent.get('/metrics')));
    return seriesIn(await agent.get('/metrics'));
  };
  const line = (name: string, isUp: boolean): string => `${isUp ? '127.0.0.1' : nowhere} ${name}.example.test`;
  return {
    of: {
      well: await scrape([line('a', true), line('b', true)]),
      one_down: await scrape([line('a', false), line('b', true)]),
      cut_off: await scrape([line('a', false), line('b', false)]),
    },
    down: a,
    scrapedAtS: Date.now() / 1000,
  };
}

const quotaHeaders = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' } as const;

export function seriesIn(text: string): readonly Series[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^([a-z_:]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [{ name, labels, value }];
  });
}
