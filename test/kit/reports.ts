/** Reports as they come from the field, for everything that tells them: every verdict, many stages, one hostile registry. */
import { rootOf, ownerOf } from '#report/fault.ts';
import type { Fault } from '#report/fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Exchange, Attempt, Stage, Step } from '#report/rehearsal.ts';
import type { PublicPlan, PullReport } from '#report/report.ts';
import type { Confidence } from '#report/verdict.ts';

const exact: Confidence = { is: 'exact', because: [] };
const digest = 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const requestedBy = [{ kind: 'Deployment', namespace: 'shop', name: 'web', part: 'container web' }];

const steps: readonly Step[] = [
  {
    step: 'dns',
    target: 'registry.example.com',
    startMs: 0,
    ms: 3,
    outcome: { ok: true, value: { addresses: ['10.0.0.7'], answeredBy: '10.0.0.2:53' } },
  },
  {
    step: 'tcp',
    target: '10.0.0.7:443',
    startMs: 3,
    ms: 1,
    outcome: { ok: true, value: { address: '10.0.0.7', port: 443 } },
  },
  {
    step: 'tls',
    target: 'registry.example.com',
    startMs: 4,
    ms: 8,
    outcome: {
      ok: true,
      value: {
        version: 'TLSv1.3',
        subject: 'CN=registry.example.com',
        issuer: 'CN=Example CA',
        notAfter: '2027-01-01T00:00:00Z',
        verified: true,
      },
    },
  },
];

const head: Exchange = {
  act: 'resolve',
  method: 'HEAD',
  url: 'https://registry.example.com/v2/shop/web/manifests/1.4',
  route: 0,
  startMs: 0,
  ms: 21,
  because: 'the tag must become a digest',
  steps,
  outcome: {
    ok: true,
    value: { status: 200, bytes: 0, mediaType: 'application/vnd.oci.image.index.v1+json', clockAheadS: 120 },
  },
};

const plan: PublicPlan = {
  runtime: 'containerd 2.1.9',
  engine: 'transfer',
  platform: 'linux/amd64',
  identities: ['pull secret shop/registry, key registry.example.com, user ci'],
  routes: [
    {
      url: 'https://mirror.example.com/v2',
      role: 'mirror',
      resolves: false,
      tls: 'verified',
      because: '/etc/containerd/certs.d/registry.example.com/hosts.toml [host."https://mirror.example.com"]',
    },
    {
      url: 'https://registry.example.com/v2',
      role: 'origin',
      resolves: true,
      tls: 'verified',
      because: 'the upstream of registry.example.com',
    },
  ],
  doubts: [],
};

const pulled: Attempt = {
  as: 'anonymous',
  exchanges: [head],
  ending: {
    is: 'pulled',
    content: {
      digest,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      resolvedBy: 0,
      platform: { os: 'linux', architecture: 'amd64' },
      layers: 7,
      bytes: 54_300_000,
      blobHosts: ['cdn.example.net'],
      depth: 'blobs_sampled',
    },
  },
};

export function reportOf(image: string, given: Partial<PullReport>): PullReport {
  return {
    version: 1,
    node: 'node-7',
    at: '2026-03-03T08:00:00.000Z',
    ms: 132,
    image,
    reference: image,
    registry: image.split('/')[0] ?? '',
    policy: 'IfNotPresent',
    requestedBy,
    verdict: { is: 'pulls', confidence: exact },
    forecasts: [],
    attempts: [],
    evidence: [],
    warnings: [],
    ...given,
  };
}

/** A report of a fault, with the kubelet's words and advice as plain as possible. */
export function failing(image: string, fault: Fault, stage: Stage, given: Partial<PullReport> = {}): PullReport {
  const shown = `failed to pull and unpack image "${image}": ${fault.code}`;
  return reportOf(image, {
    verdict: { is: 'fails', fault, stage, confidence: exact },
    advice: {
      cause: `Cause of ${fault.code}.`,
      remedy: `Remedy for ${fault.code}.`,
      owner: ownerOf(rootOf(fault).code),
    },
    kubelet: {
      waitingReason: 'ErrImagePull',
      waitingMessage: shown,
      backOffMessage: `Back-off pulling image "${image}": ErrImagePull: ${shown}`,
      events: [
        { type: 'Normal', reason: 'Pulling', message: `Pulling image "${image}"` },
        { type: 'Warning', reason: 'Failed', message: `Failed to pull image "${image}": ${shown}` },
        { type: 'Warning', reason: 'Failed', message: 'Error: ErrImagePull' },
      ],
    },
    plan,
    attempts: [
      {
        as: 'anonymous',
        exchanges: [{ ...head, outcome: { ok: false, fault } }],
        ending: { is: 'failed', fault, stage, shown },
      },
    ],
    ...given,
  });
}

export const fine = reportOf('registry.example.com/shop/web:1.4', { plan, attempts: [pulled] });

export const restarted = reportOf('registry.example.com/shop/cart:2', {
  verdict: {
    is: 'pulls',
    confidence: {
      is: 'exact-if-restarted',
      because: ['/etc/containerd/config.toml is newer than the running containerd'],
    },
  },
  plan,
  attempts: [pulled],
});

const expiring: Forecast = {
  rule: 'certificate-expires',
  fault: 'tls.expired',
  about: 'registry.example.com',
  likelihood: 'certain',
  effect: 'fails',
  withinS: 172_800,
  because: 'The certificate of registry.example.com ends at 2026-03-05T08:00:00Z.',
  remedy: 'Renew the certificate.',
};

export const atRisk = reportOf('registry.example.com/shop/mail:3', {
  verdict: { is: 'at_risk', forecasts: [expiring], confidence: exact },
  advice: { cause: expiring.because, remedy: expiring.remedy, owner: 'registry' },
  forecasts: [expiring],
  attempts: [pulled],
  evidence: [
    {
      of: 'name_server',
      host: 'registry.example.com',
      target: '10.0.0.3:53',
      ms: 5000,
      outcome: {
        ok: false,
        fault: { code: 'dns.timed_out', host: 'registry.example.com', server: '10.0.0.3:53', afterMs: 5000 },
      },
    },
    {
      of: 'address',
      host: 'registry.example.com',
      target: '10.0.0.7:443',
      ms: 9,
      outcome: { ok: true, value: { note: 'TLSv1.3' } },
    },
  ],
  warnings: [
    { code: 'hosts.unparsable', file: '/etc/containerd/certs.d/docker.io/hosts.toml', why: 'line 3: expected a value' },
  ],
});

export const untrusted = failing(
  'registry.example.com/shop/pay:1',
  {
    code: 'tls.untrusted',
    host: 'registry.example.com',
    subject: 'CN=registry.example.com',
    issuer: 'CN=Example Internal CA 2',
    trustedFrom: ['/etc/ssl/certs/ca-certificates.crt'],
  },
  'tls',
);

export const noTag = failing(
  'app:1',
  { code: 'manifest.unknown_tag', image: 'docker.io/library/app:1', host: 'registry-1.docker.io', message: '' },
  'manifest',
  {
    reference: 'docker.io/library/app:1',
    registry: 'docker.io',
  },
);

export const denied = failing(
  'ghcr.io/example/very-long-organisation-name/and-a-rather-long-repository-name:v1.2.3-alpha.4',
  {
    code: 'auth.denied',
    host: 'ghcr.io',
    as: 'pull secret shop/ghcr, key ghcr.io, user ci',
    status: 403,
    message: 'denied',
  },
  'auth',
);

export const blockedCdn = failing(
  'ghcr.io/example/web:1',
  {
    code: 'blob.redirect_failed',
    digest,
    host: 'ghcr.io',
    target: 'pkg-containers.githubusercontent.com',
    cause: {
      code: 'dns.not_found',
      host: 'pkg-containers.githubusercontent.com',
      server: '10.0.0.2:53',
      asked: ['pkg-containers.githubusercontent.com.'],
    },
  },
  'blob',
);

export const malformed = failing(
  'Not An Image',
  { code: 'image.malformed', image: 'Not An Image', why: 'invalid reference format' },
  'plan',
  {
    kubelet: {
      waitingReason: 'InvalidImageName',
      waitingMessage: 'Failed to apply default image tag "Not An Image"',
      events: [],
    },
    attempts: [],
  },
);

export const unseen = reportOf('registry.example.com/private/web:1', {
  verdict: {
    is: 'unknown',
    fault: { code: 'agent.cannot_see', what: 'the pull secret shop/registry', why: 'it is named and was not given' },
    stage: 'auth',
    confidence: {
      is: 'approximate',
      because: ['a pull secret was not given', 'the resolver of the C library is imitated'],
    },
  },
  advice: {
    cause: 'drypull cannot see the pull secret shop/registry.',
    remedy: 'Give it in the same stream.',
    owner: 'agent',
  },
});

export const bug = reportOf('registry.example.com/odd:1', {
  verdict: {
    is: 'unknown',
    fault: { code: 'agent.bug', where: 'rehearsal', what: 'TypeError' },
    stage: 'api',
    confidence: exact,
  },
  advice: { cause: 'drypull failed in rehearsal.', remedy: 'Report it.', owner: 'agent' },
});

/** A registry that tries its luck with terminals, XML and wide characters. */
export const hostile = failing(
  'registry.example.com/漢字漢字漢字/\u001b]0;owned\u0007👩‍👩‍👧\u202e<b>&"\'\ud800]]>:1',
  {
    code: 'api.unavailable',
    host: 'registry.example.com',
    status: 503,
    message: '\u001b[2J<script>alert(1)</script>\u0000',
  },
  'api',
);

export const reports: readonly PullReport[] = [
  fine,
  restarted,
  atRisk,
  untrusted,
  noTag,
  denied,
  blockedCdn,
  malformed,
  unseen,
  bug,
  hostile,
];
