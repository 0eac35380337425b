import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '#report/secret.ts';
import type { Log } from '#output/log.ts';
import { openLog } from '#output/log.ts';

const canary = 'c4n4ry-0f-the-log';

function listening(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const log = openLog({ level: 'info', node: 'node-7', to: { write: (line) => lines.push(line) } });
  return { log, lines };
}

describe('openLog', () => {
  test('a line is JSON with the time, the level, the node, the facts and the message', () => {
    const { log, lines } = listening();
    log.warn({ image: 'nginx:1' }, 'verdict changed');
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      node: 'node-7',
      image: 'nginx:1',
      msg: 'verdict changed',
    });
  });

  test('what is below the level is not written, and the level can be changed', () => {
    const { log, lines } = listening();
    log.debug({}, 'quiet');
    log.setLevel('debug');
    log.debug({}, 'loud');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['loud']);
  });

  test.each<[string, Record<string, unknown>]>([
    ['a Secret', { credential: { password: new Secret(canary) }, x: new Secret(canary) }],
    ['a password field', { credential: { password: canary } }],
    ['a field three levels down', { a: { b: { c: { token: canary } } } }],
    ['an Authorization header', { headers: { authorization: `Bearer ${canary}` } }],
    ['a header quoted in a sentence', { why: `server did not like "Authorization: Basic ${canary}"` }],
    ['a URL with a password', { proxy: `http://user:${canary}@proxy:3128` }],
    ['a presigned URL', { url: `https://cdn/blob?X-Amz-Signature=${canary}&x=1` }],
    ['an error with options attached', { error: Object.assign(new Error('no'), { options: { headers: canary } }) }],
  ])('%s does not reach the line', (_, facts) => {
    const { log, lines } = listening();
    log.error(facts, 'something happened');
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain(canary);
    expect(() => JSON.parse(lines[0] ?? '') as unknown).not.toThrow();
  });

  test('a hostile image name stays one line', () => {
    const { log, lines } = listening();
    log.info({ image: 'a\n{"level":"error"}\u2028' }, 'verdict changed');
    expect(lines[0]?.trimEnd()).not.toContain('\n');
  });
});

describe('censor', () => {
  test('whatever the facts, the line stays JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, text) => {
        const { log, lines } = listening();
        log.info({ value, text: `https://${text}@host Bearer ${text} ?token=${text}` }, 'facts');
        expect(() => JSON.parse(lines[0] ?? '') as unknown).not.toThrow();
      }),
    );
  });
});
