import { describe, expect, test } from 'vitest';
import type { Fault } from '#report/fault.ts';
import { Memory } from '#runtime/attempt/memory.ts';

const fault: Fault = { code: 'auth.rejected', host: 'reg.test', as: 'a', status: 401, message: '' };
const at = (login: string, path = 'team/app') => ({ login, place: 'reg.test', path });

describe('manifests', () => {
  const body = (bytes: number): { body: Uint8Array; mediaType: string } => ({
    body: new Uint8Array(bytes),
    mediaType: 'm',
  });

  test('are kept by place and digest', () => {
    const memory = new Memory();
    memory.keepManifest('reg.test/a', 'sha256:1', body(1));
    expect(memory.manifest('reg.test/a', 'sha256:1')?.body).toHaveLength(1);
    expect(memory.manifest('reg.test/b', 'sha256:1')).toBeUndefined();
    expect(memory.manifest('reg.test/a', 'sha256:2')).toBeUndefined();
  });

  test('take eight MiB at most, the oldest go first, and a huge one is not kept', () => {
    const memory = new Memory();
    for (let i = 0; i < 20; i += 1) memory.keepManifest('p', `sha256:${i}`, body(1 << 20));
    const kept = Array.from({ length: 20 }, (_, i) => memory.manifest('p', `sha256:${i}`) !== undefined);
    expect(kept.filter(Boolean)).toHaveLength(8);
    expect(kept.lastIndexOf(false)).toBe(11);
    memory.keepManifest('p', 'sha256:huge', body((1 << 20) + 1));
    expect(memory.manifest('p', 'sha256:huge')).toBeUndefined();
  });
});

describe('blobs', () => {
  test('are remembered for an hour, and as whole only where every byte was read', () => {
    const memory = new Memory();
    memory.keepBlob('p', 'd', { seenMs: 1_000, host: 'cdn.test', verified: false });
    expect(memory.blob('p', 'd', { nowMs: 3_601_000, whole: false })).toBe('cdn.test');
    expect(memory.blob('p', 'd', { nowMs: 3_601_001, whole: false })).toBeUndefined();
    expect(memory.blob('p', 'd', { nowMs: 1_000, whole: true })).toBeUndefined();
    memory.keepBlob('p', 'd', { seenMs: 2_000, host: 'cdn.test', verified: true });
    expect(memory.blob('p', 'd', { nowMs: 2_000, whole: true })).toBe('cdn.test');
  });

  test('are many, and not without end', () => {
    const memory = new Memory();
    for (let i = 0; i < 50_010; i += 1) memory.keepBlob('p', String(i), { seenMs: 0, host: 'h', verified: true });
    expect(memory.blob('p', '9', { nowMs: 0, whole: false })).toBeUndefined();
    expect(memory.blob('p', '10', { nowMs: 0, whole: false })).toBe('h');
  });
});

describe('refused logins', () => {
  test('are refused for every repository, and at that place alone', () => {
    const memory = new Memory();
    memory.keepRefusal(at('login'), fault);
    expect(memory.refusal('login', 'reg.test', 'another/repository')).toBe(fault);
    expect(memory.refusal('login', 'other.test', 'team/app')).toBeUndefined();
    expect(memory.refusal('another', 'reg.test', 'team/app')).toBeUndefined();
  });

  test('that worked before are refused for one repository', () => {
    const memory = new Memory();
    memory.keepProof('login', 'reg.test');
    memory.keepRefusal(at('login'), fault);
    expect(memory.refusal('login', 'reg.test', 'team/app')).toBe(fault);
    expect(memory.refusal('login', 'reg.test', 'another')).toBeUndefined();
  });

  test('by a token service lose their proof', () => {
    const memory = new Memory();
    memory.keepProof('login', 'reg.test');
    memory.keepRefusal(at('login', ''), fault);
    expect(memory.isProven('login', 'reg.test')).toBe(false);
    expect(memory.refusal('login', 'reg.test', '')).toBe(fault);
  });

  test('are not remembered without end', () => {
    const memory = new Memory();
    for (let i = 0; i < 1_001; i += 1) memory.keepRefusal(at(String(i)), fault);
    expect(memory.refusal('0', 'reg.test', '')).toBeUndefined();
    expect(memory.refusal('1000', 'reg.test', '')).toBe(fault);
  });
});

test('a registry that counts is remembered by its authority', () => {
  const memory = new Memory();
  memory.keepMetered('hub.test');
  expect([memory.isMetered('hub.test'), memory.isMetered('hub.test:5000')]).toEqual([true, false]);
});
