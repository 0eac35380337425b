import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseImage, pullPolicyOf, readDigest } from '#image/reference.ts';

const hex = 'a'.repeat(64);
const sha = `sha256:${hex}`;

function read(text: string): string {
  const image = parseImage(text);
  if (!image.ok) return image.fault.code === 'image.malformed' ? image.fault.why : image.fault.code;
  const { registry, path, tag, digest } = image.value;
  return [registry, path, tag ?? '-', digest ?? '-'].join(' ');
}

describe('a reference is read as distribution/reference v0.6.0 normalises it', () => {
  test.each([
    ['nginx', 'docker.io library/nginx latest -'],
    ['nginx:1.29', 'docker.io library/nginx 1.29 -'],
    ['foo/bar', 'docker.io foo/bar latest -'],
    ['docker.io/nginx', 'docker.io library/nginx latest -'],
    ['index.docker.io/nginx', 'docker.io library/nginx latest -'],
    ['index.docker.io/library/nginx', 'docker.io library/nginx latest -'],
    ['registry-1.docker.io/nginx', 'registry-1.docker.io nginx latest -'],
    ['localhost/x', 'localhost x latest -'],
    ['localhost', 'docker.io library/localhost latest -'],
    ['localhost:5000/x', 'localhost:5000 x latest -'],
    ['example.com:5000', 'docker.io library/example.com 5000 -'],
    ['example.com', 'docker.io library/example.com latest -'],
    ['reg:5000/x', 'reg:5000 x latest -'],
    ['reg/x', 'docker.io reg/x latest -'],
    ['Foo/bar', 'Foo bar latest -'],
    ['LOCALHOST/x', 'LOCALHOST x latest -'],
    ['Index.docker.io/x', 'Index.docker.io x latest -'],
    ['REG.io:5000/a/b:T', 'REG.io:5000 a/b T -'],
    ['[::1]/x', '[::1] x latest -'],
    ['[2001:db8::1]:5000/a/b:1', '[2001:db8::1]:5000 a/b 1 -'],
    ['reg.io/a/b/c/d', 'reg.io a/b/c/d latest -'],
    ['reg.io:99999/x', 'reg.io:99999 x latest -'],
    ['a.b-c_d__e---f', 'docker.io library/a.b-c_d__e---f latest -'],
    ['xn--bcher-kva.example/x', 'xn--bcher-kva.example x latest -'],
    [`x:${'t'.repeat(128)}`, `docker.io library/x ${'t'.repeat(128)} -`],
    ['x:_', 'docker.io library/x _ -'],
    ['x:V1.0-A_b', 'docker.io library/x V1.0-A_b -'],
    [`x@${sha}`, `docker.io library/x - ${sha}`],
    [`x:tag@${sha}`, `docker.io library/x - ${sha}`],
    [`reg.io:5000/x@sha512:${'0'.repeat(128)}`, `reg.io:5000 x - sha512:${'0'.repeat(128)}`],
    [`x@sha384:${'0'.repeat(96)}`, `docker.io library/x - sha384:${'0'.repeat(96)}`],
    [`${hex}a`, `docker.io library/${hex}a latest -`],
    [`library/${hex}`, `docker.io library/${hex} latest -`],
    [`${hex}:x`, `docker.io library/${hex} x -`],
    // No valid host name, yet the regular expression lets it pass as the first part of a path.
    ['my_registry.io/app', 'my_registry.io app latest -'],
    ['docker.io/docker.io/x', 'docker.io docker.io/x latest -'],
  ])('%s', (text, parts) => {
    expect(read(text)).toBe(parts);
  });
});

describe('a reference is refused with the text of distribution/reference', () => {
  const format = 'invalid reference format';
  test.each([
    ['', format],
    [' ', format],
    [' x', format],
    ['x ', format],
    ['x\n', format],
    ['x:', format],
    ['reg/x:', format],
    ['x:-a', format],
    ['x:.a', format],
    ['x:ü', format],
    [`x:${'t'.repeat(129)}`, format],
    ['https://reg/x', format],
    ['reg.io//x', format],
    ['reg.io/', format],
    ['/x', format],
    ['x/', format],
    ['a..b', format],
    ['a___b', format],
    ['a._b', format],
    ['-a', format],
    ['a-', format],
    ['_a', format],
    ['a b', format],
    ['-reg.io/x', format],
    ['reg-.io/x', format],
    ['reg..io/x', format],
    ['reg.io:port/x', format],
    ['my_registry.io:5000/x', format],
    ['[::1/x', format],
    ['[fe80::1%eth0]/x', format],
    ['[::ffff:10.0.0.1]/x', format],
    ['[::1]', format],
    ['x@', format],
    ['x@sha256:abc', format],
    [`x@${sha}@${sha}`, format],
    [`x@${sha}:tag`, format],
    ['bücher/x', format],
    ['Nginx', 'invalid reference format: repository name (library/Nginx) must be lowercase'],
    ['foo/Bar', 'invalid reference format: repository name (foo/Bar) must be lowercase'],
    ['reg.io/Team/App', 'invalid reference format: repository name (Team/App) must be lowercase'],
    ['reg.io/Team/App:V1', 'invalid reference format: repository name (Team/App) must be lowercase'],
    ['É/x', format],
    ['foo/É', 'invalid reference format: repository name (foo/É) must be lowercase'],
    [`x@SHA256:${hex}`, 'invalid reference format: repository name (library/x@SHA256) must be lowercase'],
    [`x:t@SHA256:${hex}`, 'invalid checksum digest format'],
    [`x@sha256:${'a'.repeat(63)}`, 'invalid checksum digest length'],
    [`x@sha256:${'a'.repeat(65)}`, 'invalid checksum digest length'],
    [`x@sha512:${hex}`, 'invalid checksum digest length'],
    [`x@sha256:${'A'.repeat(64)}`, 'invalid checksum digest format'],
    [`x@md5:${'a'.repeat(32)}`, 'unsupported digest algorithm'],
    [`x@constructor:${'a'.repeat(32)}`, 'unsupported digest algorithm'],
    [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
    [`reg.io/${'a'.repeat(256)}`, 'repository name must not be more than 255 characters'],
    ['a'.repeat(248), 'repository name must not be more than 255 characters'],
  ])('%j', (text, why) => {
    expect(read(text)).toBe(why);
  });

  test('the registry does not count into the length limit, the library/ of Docker Hub does', () => {
    expect(parseImage(`${'r'.repeat(60)}.example/${'a'.repeat(255)}`).ok).toBe(true);
    expect(parseImage('a'.repeat(247)).ok).toBe(true);
  });
});

describe('an image lives under three strings', () => {
  test.each([
    ['nginx', 'nginx:latest', 'docker.io/library/nginx:latest'],
    ['nginx:latest', 'nginx:latest', 'docker.io/library/nginx:latest'],
    ['nginx:1', 'nginx:1', 'docker.io/library/nginx:1'],
    ['docker.io/nginx', 'docker.io/nginx:latest', 'docker.io/library/nginx:latest'],
    [`nginx@${sha}`, `nginx@${sha}`, `docker.io/library/nginx@${sha}`],
    [`nginx:1@${sha}`, `nginx:1@${sha}`, `docker.io/library/nginx@${sha}`],
    ['reg.io:5000/x', 'reg.io:5000/x:latest', 'reg.io:5000/x:latest'],
  ])('%s', (written, sent, runtime) => {
    expect(parseImage(written)).toMatchObject({ ok: true, value: { written, sent, runtime } });
  });
});

describe('the API server defaults the pull policy by the tag alone', () => {
  test.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    [`nginx:latest@${sha}`, 'Always'],
    ['nginx:1', 'IfNotPresent'],
    [`nginx@${sha}`, 'IfNotPresent'],
    ['Nginx', 'IfNotPresent'],
    ['', 'IfNotPresent'],
  ])('%s', (written, policy) => {
    expect(pullPolicyOf(written)).toBe(policy);
  });
});

describe('properties', () => {
  const partOf = fc.constantFrom(
    'a',
    'B',
    '1',
    '.',
    '/',
    ':',
    '@',
    '-',
    '_',
    '[',
    ']',
    'sha256:',
    hex,
    'docker.io',
    'ü',
  );
  const near = fc.array(partOf, { maxLength: 12 }).map((parts) => parts.join(''));

  test('parsing never throws, and what the runtime reads parses to itself', () => {
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        const first = parseImage(text);
        if (!first.ok) return;
        const again = parseImage(first.value.runtime);
        expect(again).toMatchObject({ ok: true, value: { runtime: first.value.runtime, sent: first.value.runtime } });
        expect(parseImage(first.value.sent)).toMatchObject({ ok: true, value: { runtime: first.value.runtime } });
      }),
      { numRuns: 2000 },
    );
  });

  test('exactly one of tag and digest is present', () => {
    fc.assert(
      fc.property(near, (text) => {
        const image = parseImage(text);
        if (image.ok) expect((image.value.tag === undefined) !== (image.value.digest === undefined)).toBe(true);
      }),
    );
  });

  test('a reference of a megabyte is answered too', () => {
    for (const piece of ['a', 'a.', 'a-', 'a/', 'A', ':', '[', '_']) {
      expect(parseImage(piece.repeat(1 << 20)).ok).toBe(false);
    }
  });

  test('a digest is read only in its canonical form', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const digest = readDigest(text);
        if (digest.ok) expect(text).toMatch(/^sha(256|384|512):[a-f0-9]+$/);
      }),
    );
    expect(readDigest(sha)).toEqual({ ok: true, digest: sha });
  });
});
