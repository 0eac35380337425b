/** The fates of the sample node, one by one. */
import type { Fault } from '#report/fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Exchange, Step } from '#report/rehearsal.ts';
import type { KubeletText, PullReport } from '#report/report.ts';
import type { Failure, Sketch } from './ledger.ts';

interface Pens {
  readonly pulling: (sketch: Sketch) => PullReport;
  readonly failing: (failure: Failure) => PullReport;
  readonly risking: (sketch: Sketch, forecasts: readonly Forecast[]) => PullReport;
  readonly errImagePull: (image: string, error: string) => KubeletText;
  readonly exchange: (act: Exchange['act'], url: string, over?: Partial<Exchange>) => Exchange;
  readonly opened: (host: string, startMs: number) => readonly Step[];
}

export interface Worlds {
  readonly pulls: PullReport;
  readonly refused: PullReport;
  readonly denied: PullReport;
  readonly untrusted: PullReport;
  readonly badTag: PullReport;
  readonly unknown: PullReport;
  readonly atRisk: PullReport;
  readonly fine: readonly PullReport[];
}

export function worlds(pens: Pens): Worlds {
  return {
    pulls: pens.pulling({ image: 'registry.example.com/shop/web:1.29' }),
    refused: refused(pens),
    denied: denied(pens),
    untrusted: untrusted(pens),
    badTag: badTag(pens),
    unknown: unknown(pens),
    atRisk: atRisk(pens),
    fine: [
      pens.pulling({ image: 'registry.k8s.io/pause:3.10', registry: 'registry.k8s.io', path: 'pause', ms: 212 }),
      pens.pulling({
        image: 'quay.io/prometheus/node-exporter:v1.9.1',
        registry: 'quay.io',
        path: 'prometheus/node-exporter',
      }),
      pens.pulling({
        image: 'ghcr.io/fluxcd/source-controller:v1.6.2',
        registry: 'ghcr.io',
        path: 'fluxcd/source-controller',
      }),
      pens.pulling({
        image:
          'registry.example.com/platform/a-team-with-a-long-name/ingress-gateway@sha256:4bcff63911fcb4448bd4fdacec207030997caf25e9bea4045fa6c8c44de311d1',
        path: 'platform/ingress-gateway',
      }),
      pens.pulling({ image: 'nginx:1.29', registry: 'docker.io', path: 'library/nginx', ms: 611 }),
    ],
  };
}

function refused({ failing, exchange, opened, errImagePull }: Pens): PullReport {
  const image = 'harbor.corp.example/payments/api:2.14.0';
  const fault: Fault = { code: 'tcp.refused', address: '10.20.0.14', port: 443 };
  const [dns] = opened('harbor.corp.example', 0);
  const tcp: Step = { step: 'tcp', target: '10.20.0.14:443', startMs: 3, ms: 1, outcome: { ok: false, fault } };
  return failing({
    image,
    registry: 'harbor.corp.example',
    ms: 5,
    fault,
    stage: 'tcp',
    advice: {
      cause: 'harbor.corp.example (10.20.0.14) refuses connections on port 443.',
      remedy: 'Start the registry or its load balancer on 10.20.0.14:443, or correct the address in DNS.',
      owner: 'network',
    },
    kubelet: errImagePull(
      image,
      'failed to resolve reference "harbor.corp.example/payments/api:2.14.0": failed to do request: Head "https://harbor.corp.example/v2/payments/api/manifests/2.14.0": dial tcp 10.20.0.14:443: connect: connection refused',
    ),
    exchanges: [
      exchange('resolve', 'https://harbor.corp.example/v2/payments/api/manifests/2.14.0', {
        ms: 4,
        steps: [...(dns === undefined ? [] : [dns]), tcp],
        outcome: { ok: false, fault },
      }),
    ],
  });
}

function denied({ failing, exchange, opened, errImagePull }: Pens): PullReport {
  const image = 'ghcr.io/acme/billing:7';
  const fault: Fault = {
    code: 'auth.denied',
    host: 'ghcr.io',
    as: 'pull secret shop/ghcr, key ghcr.io, user ci',
    status: 403,
    message: 'denied: permission_denied: The token provided does not match expected scopes.',
  };
  const report = failing({
    image,
    registry: 'ghcr.io',
    ms: 214,
    fault,
    stage: 'auth',
    advice: {
      cause: 'ghcr.io knows user ci of pull secret shop/ghcr, and does not let it read acme/billing.',
      remedy: 'Give the token the scope read:packages, or the user access to the package acme/billing.',
      owner: 'credentials',
    },
    kubelet: errImagePull(
      image,
      'failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://ghcr.io/token: 403 Forbidden',
    ),
    exchanges: [
      exchange('resolve', 'https://ghcr.io/v2/acme/billing/manifests/7', {
        ms: 74,
        steps: opened('ghcr.io', 1),
        outcome: { ok: true, value: { status: 401, bytes: 90 } },
      }),
      exchange('token', 'https://ghcr.io/token?scope=…', {
        startMs: 76,
        ms: 138,
        because: 'the registry asked for a bearer token',
        as: 'pull secret shop/ghcr, key ghcr.io, user ci',
        outcome: { ok: false, fault },
      }),
    ],
  });
  return {
    ...report,
    requestedBy: [{ kind: 'Pod', namespace: 'shop', name: 'billing-6d9f7', part: 'container billing' }],
  };
}

function untrusted({ failing, exchange, opened, errImagePull }: Pens): PullReport {
  const image = 'mirror.lan:5000/library/redis:8';
  const fault: Fault = {
    code: 'tls.untrusted',
    host: 'mirror.lan',
    subject: 'CN=mirror.lan',
    issuer: 'CN=Corp Root G3',
    trustedFrom: ['/etc/ssl/certs/ca-certificates.crt', '/etc/containerd/certs.d/mirror.lan:5000/ca.crt'],
  };
  const steps = opened('mirror.lan', 0).map((step): Step =>
    step.step === 'tls' ? { ...step, outcome: { ok: false, fault } } : step,
  );
  return failing({
    image,
    registry: 'mirror.lan:5000',
    ms: 44,
    fault,
    stage: 'tls',
    advice: {
      cause: 'mirror.lan shows a certificate by CN=Corp Root G3, which this node does not trust.',
      remedy: 'Add the certificate of CN=Corp Root G3 to /etc/containerd/certs.d/mirror.lan:5000/ca.crt.',
      owner: 'node',
    },
    kubelet: errImagePull(image, 'tls: failed to verify certificate: x509: certificate signed by unknown authority'),
    exchanges: [
      exchange('resolve', 'https://mirror.lan:5000/v2/library/redis/manifests/8', {
        ms: 44,
        steps,
        outcome: { ok: false, fault },
      }),
    ],
  });
}

function badTag({ failing, errImagePull }: Pens): PullReport {
  const image = 'registry.example.com/shop/cart:2.0.l';
  const host = 'registry.example.com';
  return failing({
    image,
    ms: 61,
    fault: { code: 'manifest.unknown_tag', image, host, message: 'manifest unknown' },
    stage: 'manifest',
    advice: {
      cause: 'registry.example.com has the repository shop/cart, but no tag 2.0.l.',
      remedy: 'Push the tag, or name one that exists; the last letter may be meant as the digit 1.',
      owner: 'workload',
    },
    kubelet: errImagePull(image, `failed to resolve reference "${image}": ${image}: not found`),
  });
}

function unknown({ failing }: Pens): PullReport {
  return failing({
    image: 'docker.io/acme/private:1',
    registry: 'docker.io',
    ms: 0,
    is: 'unknown',
    fault: { code: 'agent.not_allowed', what: 'read secret acme/hub' },
    stage: 'plan',
    advice: {
      cause: 'The agent may not read the pull secret acme/hub, which this pull depends on.',
      remedy: 'Grant it get on that secret, or give the secret with --pull-secret.',
      owner: 'agent',
    },
  });
}

function atRisk({ risking }: Pens): PullReport {
  return risking({ image: 'registry.example.com/shop/search:5.2', path: 'shop/search' }, [
    {
      rule: 'certificate-expires',
      fault: 'tls.expired',
      about: 'ending.example.com',
      likelihood: 'certain',
      effect: 'fails',
      withinS: 5 * 86_400,
      because: 'The certificate of registry.example.com ends on 9 March 2026.',
      remedy: 'Renew the certificate of registry.example.com before then.',
    },
    {
      rule: 'rate-limit-nears',
      fault: 'api.rate_limited',
      about: 'registry.example.com',
      likelihood: 'possible',
      effect: 'fails',
      because: '12 of 100 pulls are left for 192.0.2.7.',
      remedy: 'Sign in, or pull through a cache.',
    },
  ]);
}
