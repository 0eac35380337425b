/** What connections stand on, for tests: names in a hosts file, no name server, no root, no proxy. */
import type { Ask, NetworkSettings } from '#registry/wire.ts';
import type { Resolver, TlsRule } from '#node/view.ts';

export const resolver: Resolver = {
  path: 'go',
  order: ['files', 'dns'],
  servers: [],
  search: [],
  ndots: 1,
  timeoutMs: 3_000,
  attempts: 1,
  rotate: false,
  useTcp: false,
  singleRequest: false,
  hosts: { 'registry.test': ['127.0.0.1'], 'proxy.test': ['127.0.0.1'] },
};

export const plainTls: TlsRule = { verify: true, extraRoots: [], clients: [] };

export function network(with_: Partial<NetworkSettings> = {}): NetworkSettings {
  return {
    resolver,
    roots: { pems: [] },
    proxy: { source: 'test' },
    perOrigin: 4,
    now: () => new Date(),
    elapsedMs: () => performance.now(),
    ...with_,
  };
}

export function trusting(...certificates: readonly string[]): TlsRule {
  return { ...plainTls, extraRoots: certificates.map((pem, i) => ({ path: `/test/ca-${i}.crt`, pem })) };
}

export function asking(url: string, with_: Partial<Ask> = {}): Ask {
  return {
    method: 'GET',
    url: new URL(url),
    headers: [['Accept', '*/*']],
    tls: plainTls,
    dialTimeoutMs: 5_000,
    headerTimeoutMs: 5_000,
    bodyTimeoutMs: 5_000,
    maxBytes: 1024 * 1024,
    ...with_,
  };
}
