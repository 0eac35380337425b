/** What happened on the wire, as literals. */
import type { Exchange, Attempt, Step } from '#report/rehearsal.ts';

/** DNS, TCP and TLS one after another from `startMs`. */
export function opened(host: string, startMs: number): readonly Step[] {
  return [
    {
      step: 'dns',
      target: host,
      startMs,
      ms: 3,
      outcome: good({ addresses: ['10.4.0.7'], answeredBy: '10.0.0.2:53' }),
    },
    {
      step: 'tcp',
      target: '10.4.0.7:443',
      startMs: startMs + 3,
      ms: 12,
      outcome: good({ address: '10.4.0.7', port: 443 }),
    },
    {
      step: 'tls',
      target: host,
      startMs: startMs + 15,
      ms: 27,
      outcome: good({
        version: 'TLSv1.3',
        subject: `CN=${host}`,
        issuer: 'CN=Example Issuing CA 2',
        notAfter: '2026-09-01T00:00:00.000Z',
        verified: true,
      }),
    },
  ];
}

export function good<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function exchange(act: Exchange['act'], url: string, over: Partial<Exchange> = {}): Exchange {
  return {
    act,
    method: act === 'resolve' ? 'HEAD' : 'GET',
    url,
    route: 0,
    startMs: 0,
    ms: 30,
    because: 'the tag must be resolved',
    steps: [],
    outcome: good({ status: 200, bytes: 0 }),
    ...over,
  };
}

/** What a healthy pull with a token looks like. */
export function healthy(host: string, path: string): Attempt {
  const steps = opened(host, 1);
  return {
    as: 'anonymous',
    exchanges: [
      exchange('resolve', `https://${host}/v2/${path}/manifests/1`, {
        steps,
        ms: 62,
        outcome: good({ status: 401, bytes: 120 }),
      }),
      exchange('token', `https://auth.${host}/token?scope=…`, {
        startMs: 64,
        ms: 96,
        because: 'the registry asked for a bearer token',
        steps: opened(`auth.${host}`, 65),
      }),
      exchange('resolve', `https://${host}/v2/${path}/manifests/1`, {
        startMs: 162,
        ms: 21,
        because: 'with the token',
      }),
      exchange('manifest', `https://${host}/v2/${path}/manifests/sha256:1f2e…`, {
        startMs: 184,
        ms: 24,
        because: 'the index names the platform',
      }),
      exchange('config', `https://${host}/v2/${path}/blobs/sha256:77aa…`, {
        startMs: 209,
        ms: 33,
        because: 'the configuration is needed first',
      }),
      exchange('layer', `https://cdn.${host}/sha256/9b…`, {
        startMs: 244,
        ms: 110,
        because: 'layer 1 of 4',
        steps: opened(`cdn.${host}`, 245),
      }),
    ],
    ending: {
      is: 'pulled',
      content: {
        digest: 'sha256:1f2e',
        mediaType: 'application/vnd.oci.image.index.v1+json',
        resolvedBy: 0,
        platform: { os: 'linux', architecture: 'amd64' },
        layers: 4,
        bytes: 72_351_744,
        blobHosts: [`cdn.${host}`],
        depth: 'blobs_sampled',
      },
    },
  };
}
