/** How `drypull agent` starts where its open listener is to be guarded, and how it does not. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from '#commands/agent.ts';
import { authority } from '../kit/authority.ts';
import { processContext } from '../kit/surroundings.ts';

const folder = await mkdtemp(join(tmpdir(), 'drypull-agent-'));
afterAll(() => rm(folder, { recursive: true }));
const ca = await authority('Agent Command CA');
const first = await ca.issue({ names: ['127.0.0.1'] });
const second = await ca.issue({ names: ['127.0.0.1'] });
const at = (name: string): string => join(folder, name);
await writeFile(at('tls.crt'), first.cert);
await writeFile(at('tls.key'), first.key);
await writeFile(at('other.key'), second.key);

/** Ends the agent as soon as it says where its page is. */
async function start(
  env: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly logged: string }> {
  let logged = '';
  const stopping = new AbortController();
  const write = (text: string): void => {
    logged += text;
    if (text.includes('the page of node')) stopping.abort();
  };
  const around = {
    DRYPULL_LISTEN: '127.0.0.1:0',
    DRYPULL_CHECK_LISTEN: 'off',
    DRYPULL_IMAGES: '127.0.0.1:1/nobody/asks:1',
    DRYPULL_HOST_ROOT: folder,
    DRYPULL_LOG_LEVEL: 'silent',
  };
  const status = await run(processContext(write, { env: { ...around, ...env }, signal: stopping.signal }));
  return { status, logged };
}
const tls = (cert: string, key: string): Record<string, string> => ({
  DRYPULL_LISTEN_TLS_CERT: at(cert),
  DRYPULL_LISTEN_TLS_KEY: at(key),
});

describe('drypull agent', () => {
  test('with a certificate and its key serves over https', async () => {
    const { status, logged } = await start(tls('tls.crt', 'tls.key'));
    expect([status, logged]).toEqual([0, expect.stringMatching(/ is at https:\/\/127\.0\.0\.1:\d+\/\n$/)]);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    [
      'a certificate that is not there',
      tls('none.crt', 'tls.key'),
      /^drypull: listenTlsCert \S+none\.crt cannot be read: there is no such file\n$/,
    ],
    ['a key that is not there', tls('tls.crt', 'none.key'), /^drypull: listenTlsKey \S+none\.key cannot be read/],
    [
      'a key of another certificate',
      tls('tls.crt', 'other.key'),
      /^drypull: cannot listen over TLS: the certificate and the key do not belong together\n$/,
    ],
    ['two certificates and no key', tls('tls.crt', 'tls.crt'), /^drypull: cannot listen over TLS: the key is not PEM/],
    [
      'a doorkeeper and no cluster',
      { DRYPULL_LISTEN_AUTH: 'kubernetes' },
      /^drypull: listenAuth: there is no cluster to ask\. /,
    ],
    [
      'a certificate alone',
      { DRYPULL_LISTEN_TLS_CERT: '/x' },
      /listenTlsKey: given nothing; allowed: listenTlsCert and listenTlsKey together/,
    ],
  ])('with %s does not start, and says why', async (_, env, why) => {
    const { status, logged } = await start(env);
    expect([status, logged]).toEqual([2, expect.stringMatching(why)]);
    expect(logged).not.toContain('PRIVATE KEY');
  });
});
