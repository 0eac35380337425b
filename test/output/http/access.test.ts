/** Who may read the open listener: what the doorkeeper's answers are in HTTP, and what he is asked. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Admitted } from '#output/http/access.ts';
import type { Listening } from '#output/http/open-listener.ts';
import { listenOpenly } from '#output/http/open-listener.ts';
import { readerAccess } from '#kubernetes/reader-access.ts';
import { kubeWorld } from '../../kit/kube-world.ts';
import { node7, now } from '../../kit/ledger.ts';
import { metricsOver } from '../../kit/metrics.ts';

const open: Listening[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close(0)));
});

type Doorman = (authorization: string | undefined, path: string) => Promise<Admitted>;

async function guarded(admit: Doorman): Promise<(path: string, token?: string) => Promise<Response>> {
  const { scrape } = metricsOver(() => node7);
  const source = { ledger: () => node7, now: () => now, version: '0.1.0', scrape, draining: () => false, admit };
  const opened = await listenOpenly({ host: '127.0.0.1', port: 0 }, source);
  if (!opened.ok) throw new Error(opened.why);
  open.push(opened.value);
  const { url } = opened.value;
  return (path, token) =>
    fetch(`${url.slice(0, -1)}${path}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
}
const always =
  (is: Admitted['is']): Doorman =>
  () =>
    Promise.resolve({ is });

const guardedPlaces = [
  '/',
  '/?refresh=30',
  '/metrics',
  '/node',
  '/node?format=line',
  '/reports',
  '/reports/',
  '/reports/a%2Fb',
];

describe('a listener with a doorkeeper', () => {
  test.each<[Admitted['is'], number, string, string]>([
    ['unauthenticated', 401, 'www-authenticate', 'Bearer realm="drypull"'],
    ['unavailable', 503, 'retry-after', '5'],
  ])('answers a reader who is %s with %i', async (is, status, header, value) => {
    const read = await guarded(always(is));
    for (const path of guardedPlaces) {
      const response = await read(path, 'c4n4ry-token');
      expect([path, response.status, response.headers.get(header)]).toEqual([path, status, value]);
      const text = await response.text();
      expect(text).not.toContain('harbor.corp.example');
      expect(text).not.toContain('c4n4ry');
    }
  });

  test('tells a reader who is known and not allowed which permission is lacking', async () => {
    const response = await (await guarded(always('forbidden')))('/reports/shop/web:1');
    expect([response.status, await response.json()]).toEqual([
      403,
      { error: 'the cluster knows you, and does not let you get the non-resource URL /reports/' },
    ]);
  });

  test.each(['unauthenticated', 'forbidden', 'unavailable'] as const)(
    "lets the kubelet's probes in although the reader is %s",
    async (is) => {
      const read = await guarded(always(is));
      expect([(await read('/livez')).status, (await read('/readyz')).status]).toEqual([200, 200]);
    },
  );

  test.each(['/livez/', '/livez%2f..%2fmetrics', '//metrics', '/readyz/../reports', '/LIVEZ/../node'])(
    '%s is no way around',
    async (path) => {
      const response = await (await guarded(always('unauthenticated')))(path);
      expect([401, 404]).toContain(response.status);
    },
  );

  test('is asked about a place and never about what a stranger made up', async () => {
    const asked: (string | undefined)[][] = [];
    const read = await guarded((authorization, path) => {
      asked.push([authorization, path]);
      return Promise.resolve({ is: 'admitted' });
    });
    for (const path of ['/reports/a', '/reports/b', '/metrics?x=1', '/made/up', '/livez']) await read(path, 't');
    expect(asked).toEqual([
      ['Bearer t', '/reports/'],
      ['Bearer t', '/reports/'],
      ['Bearer t', '/metrics'],
    ]);
  });

  test('a doorkeeper who breaks lets nobody in', async () => {
    const response = await (await guarded(() => Promise.reject(new Error('c4n4ry'))))('/reports');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toMatch(/c4n4ry|harbor/);
  });

  test('with the cluster as doorkeeper a token gets what its rules allow, and refusals are kept', async () => {
    await using world = await kubeWorld();
    world.kube.people.set('prometheus', { user: 'prometheus', may: ['get /metrics'] });
    const keeper = readerAccess(world.cluster, world.time);
    const read = await guarded((...asked) => keeper.admit(...asked));
    expect((await read('/metrics', 'prometheus')).status).toBe(200);
    expect((await read('/reports', 'prometheus')).status).toBe(403);
    expect((await read('/reports')).status).toBe(401);
    const asked = world.kube.calls.length;
    for (let n = 0; n < 3; n += 1) expect((await read('/reports', 'stolen')).status).toBe(401);
    expect((await read('/reports', 'prometheus')).status).toBe(403);
    expect(world.kube.calls.length).toBe(asked + 1);
  });
});
