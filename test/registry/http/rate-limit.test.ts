import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRateLimit } from '#registry/http/rate-limit.ts';

const now = new Date('2026-11-21T12:00:00Z');
const nowS = now.getTime() / 1000;
type Headers = Readonly<Record<string, readonly string[]>>;

function hub(limit: string, remaining: string, source?: string): Headers {
  return {
    'ratelimit-limit': [limit],
    'ratelimit-remaining': [remaining],
    ...(source === undefined ? {} : { 'docker-ratelimit-source': [source] }),
  };
}

describe('headers', () => {
  it.each<[string, Headers, object | undefined]>([
    ['say nothing', { 'content-type': ['text/plain'] }, undefined],
    [
      'of Docker Hub',
      hub('100;w=21600', '76;w=21600', '192.0.2.1'),
      { limit: 100, remaining: 76, windowS: 21_600, source: '192.0.2.1', scope: 'quota' },
    ],
    [
      'of Docker Hub at its end',
      hub('100;w=21600', '0;w=21600'),
      { limit: 100, remaining: 0, windowS: 21_600, scope: 'quota' },
    ],
    ['of Docker Hub without a window', hub('100', '76'), { limit: 100, remaining: 76, scope: 'unknown' }],
    [
      'of Docker Hub without numbers are unknown and not zero',
      hub(';w=21600', ';w=21600'),
      { windowS: 21_600, scope: 'quota' },
    ],
    ['that are empty', hub('', ''), undefined],
    [
      'of Docker Hub without a token: the source alone',
      { 'docker-ratelimit-source': ['2001:41d0:801:2000::'] },
      { source: '2001:41d0:801:2000::', scope: 'unknown' },
    ],
    [
      'that a proxy doubled by commas',
      hub('100;w=21600, 100;w=21600', '76;w=21600, 76;w=21600'),
      { limit: 100, remaining: 76, windowS: 21_600, scope: 'quota' },
    ],
    [
      'that a proxy doubled by lines',
      { 'ratelimit-limit': ['100;w=21600', '100;w=21600'], 'ratelimit-remaining': ['7', '7'] },
      { limit: 100, remaining: 7, windowS: 21_600, scope: 'quota' },
    ],
    [
      'of the older drafts',
      { 'ratelimit-limit': ['10, 10;w=1, 50;w=60'], 'ratelimit-remaining': ['9'], 'ratelimit-reset': ['1'] },
      { limit: 10, remaining: 9, windowS: 1, scope: 'burst' },
    ],
    [
      'of the older drafts at the end',
      { 'ratelimit-limit': ['10'], 'ratelimit-remaining': ['0'], 'ratelimit-reset': ['50'] },
      { limit: 10, remaining: 0, retryAfterS: 50, scope: 'unknown' },
    ],
    [
      'of GitLab, whose reset is a date',
      { 'ratelimit-limit': ['60'], 'ratelimit-remaining': ['0'], 'ratelimit-reset': [String(nowS + 30)] },
      { limit: 60, remaining: 0, retryAfterS: 30, scope: 'unknown' },
    ],
    [
      'of draft 07',
      { ratelimit: ['limit=100, remaining=50, reset=5'], 'ratelimit-policy': ['100;w=60'] },
      { limit: 100, remaining: 50, windowS: 60, scope: 'burst' },
    ],
    [
      'of draft 08',
      { ratelimit: ['"default";r=76;t=120'], 'ratelimit-policy': ['"default";q=100;w=21600'] },
      { limit: 100, remaining: 76, windowS: 21_600, scope: 'quota' },
    ],
    [
      'of draft 08 with two policies: the one that is nearer its end',
      {
        ratelimit: ['"day";r=76;t=120, "burst";r=0;t=3'],
        'ratelimit-policy': ['"day";q=100;w=86400, "burst";q=5;w=10'],
      },
      { limit: 5, remaining: 0, windowS: 10, retryAfterS: 3, scope: 'burst' },
    ],
    [
      'of the GitHub style',
      { 'x-ratelimit-limit': ['180'], 'x-ratelimit-remaining': ['0'], 'x-ratelimit-reset': [String(nowS + 90)] },
      { limit: 180, remaining: 0, retryAfterS: 90, scope: 'unknown' },
    ],
    [
      'of the GitHub style whose reset is over',
      { 'x-ratelimit-remaining': ['0'], 'x-ratelimit-reset': [String(nowS - 90)] },
      { remaining: 0, scope: 'unknown' },
    ],
    [
      'with rubbish',
      { 'ratelimit-limit': ['many'], 'ratelimit-remaining': ['-1'], 'retry-after': ['soon'] },
      undefined,
    ],
    ['with numbers beyond sense', { 'ratelimit-limit': ['9'.repeat(400)] }, undefined],
  ])('%s', (_, headers, expected) => {
    expect(readRateLimit(headers, '', now)).toEqual(expected);
  });
});

describe('Retry-After', () => {
  it.each([
    ['60', 60],
    [' 60 ', 60],
    ['0', 1],
    ['1.2', 2],
    ['0.01', 1],
    ['999999999', 21_600],
    ['Sat, 21 Nov 2026 12:01:00 GMT', 60],
    ['Mon, 21 Nov 2033 12:00:00 GMT', 21_600],
    ['Sat, 21 Nov 2026 11:00:00 GMT', undefined],
    ['-5', undefined],
    ['', undefined],
    ['1e9', undefined],
    ['tomorrow', undefined],
  ])('%s is %s seconds', (written, seconds) => {
    const expected = seconds === undefined ? undefined : { retryAfterS: seconds, scope: 'unknown' };
    expect(readRateLimit({ 'retry-after': [written] }, '', now)).toEqual(expected);
  });
});

describe('a body', () => {
  const logged = (code: string, message: string): string => JSON.stringify({ errors: [{ code, message }] });

  it.each<[string, string, object | undefined]>([
    [
      'of Docker Hub',
      logged(
        'TOOMANYREQUESTS',
        'You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit',
      ),
      { scope: 'quota' },
    ],
    [
      'of Docker Hub to the unknown',
      logged('TOOMANYREQUESTS', 'You have reached your unauthenticated pull rate limit.'),
      { scope: 'quota' },
    ],
    ['of the abuse limiter', 'Too Many Requests (HAP429).\n', { scope: 'abuse' }],
    [
      'of the login lock',
      '{"details":"toomanyrequests: too many failed login attempts for username or IP address"}',
      { retryAfterS: 900, scope: 'login' },
    ],
    [
      'of GHCR',
      logged('TOOMANYREQUESTS', 'toomanyrequests: retry-after: 10.305464ms, allowed: 2000/minute'),
      { limit: 2000, windowS: 60, retryAfterS: 1, scope: 'burst' },
    ],
    [
      'of GHCR with a longer wait',
      'toomanyrequests: retry-after: 2.5m, allowed: 44000/minute',
      { limit: 44_000, windowS: 60, retryAfterS: 150, scope: 'burst' },
    ],
    [
      'of GHCR with microseconds',
      'retry-after: 226.1µs, allowed: 10/second',
      { limit: 10, windowS: 1, retryAfterS: 1, scope: 'burst' },
    ],
    ['of ECR', logged('TOOMANYREQUESTS', 'Rate exceeded'), { scope: 'burst' }],
    ['of the ECR API', '{"__type":"ThrottlingException"}', { scope: 'burst' }],
    ['of ECR Public at the end of the month', logged('TOOMANYREQUESTS', 'Data limit exceeded'), { scope: 'monthly' }],
    [
      'of Google',
      logged(
        'TOOMANYREQUESTS',
        "Quota exceeded for quota metric 'Requests per project' and limit 'Requests per project per minute per user'",
      ),
      { windowS: 60, scope: 'burst' },
    ],
    [
      'of Azure',
      logged('TOOMANYREQUESTS', 'toomanyrequests: Too many requests. Please visit https://aka.ms/acr/skus'),
      { scope: 'burst' },
    ],
    [
      'of Harbor about its upstream',
      logged('TOOMANYREQUESTS', 'too many requests to upstream registry'),
      { scope: 'unknown' },
    ],
    ['of Quay', '<html>\r\n<head><title>429 Too Many Requests</title></head>', { scope: 'burst' }],
    ['of zot', 'Too Many Requests', { scope: 'burst' }],
    ['of somebody else', logged('TOOMANYREQUESTS', 'slow down'), { scope: 'unknown' }],
    ['about something else', logged('MANIFEST_UNKNOWN', 'manifest unknown'), undefined],
    ['without a word', '', undefined],
  ])('%s', (_, body, expected) => {
    expect(readRateLimit({}, body, now)).toEqual(expected);
  });

  it('of the abuse limiter keeps the wait of its header', () => {
    const limit = readRateLimit({ 'retry-after': ['60'] }, 'Too Many Requests (HAP429)', now);
    expect(limit).toEqual({ retryAfterS: 60, scope: 'abuse' });
  });

  it('of any size and form is read to an end', () => {
    const values = fc.array(fc.string({ maxLength: 60 }), { maxLength: 3 });
    const names = fc.constantFrom(
      'ratelimit',
      'ratelimit-policy',
      'ratelimit-limit',
      'ratelimit-remaining',
      'retry-after',
    );
    fc.assert(
      fc.property(fc.dictionary(names, values), fc.string(), (headers, body) => {
        const limit = readRateLimit(headers, body.repeat(50), now);
        expect(limit?.retryAfterS ?? 1).toBeGreaterThanOrEqual(1);
        expect(limit?.retryAfterS ?? 1).toBeLessThanOrEqual(21_600);
        expect(Number.isSafeInteger(limit?.limit ?? 0)).toBe(true);
      }),
    );
    expect(readRateLimit({}, '<'.repeat(1_000_000), now)).toBeUndefined();
  });
});
