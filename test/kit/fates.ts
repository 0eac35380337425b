/** The dozen images of the world, and the fate that each meets. */
import type { FaultCode } from '#report/fault.ts';
import type { CertificateWish } from './authority.ts';
import { image, type RegistryWish } from './fake-registry.ts';
import * as wrong from './misbehaviour.ts';

/** What becomes of an image. */
export interface Fate {
  readonly fate: string;
  readonly verdict: 'pulls' | 'at_risk' | 'fails';
  /** The fault that the kubelet meets, or would. */
  readonly code?: FaultCode;
}

export interface Seed extends Fate {
  /** Its registry's name is this, below example.test. */
  readonly host: string;
  /** `repository:tag` */
  readonly path: string;
  readonly server?: RegistryWish | 'nobody';
  readonly certificate?: Partial<CertificateWish> & { readonly from?: 'stranger' };
  /** What the node's own login says, for `puller`. */
  readonly password?: string;
  /** A registry's name below example.test that hosts.toml puts before this one. */
  readonly mirror?: string;
}

/** `unreachable`: a base URL where nobody listens. */
export function seeds(unreachable: string): readonly Seed[] {
  const users = { puller: 's3cret' };
  const bad = (code: FaultCode) => ({ verdict: 'fails', code }) as const;
  return [
    { host: 'registry', path: 'shop/web:1.4', fate: 'nothing is in the way', verdict: 'pulls' },
    {
      host: 'private',
      path: 'shop/api:2.0',
      fate: 'the node knows the password',
      verdict: 'pulls',
      server: { auth: { scheme: 'bearer', users } },
      password: 's3cret',
    },
    {
      host: 'hub',
      path: 'data/spark:3.5',
      fate: 'the registry is down, its mirror is not',
      verdict: 'pulls',
      server: 'nobody',
      mirror: 'mirror',
    },
    {
      host: 'ending',
      path: 'shop/mail:7',
      fate: 'the certificate ends in three days',
      verdict: 'at_risk',
      code: 'tls.expired',
      certificate: { endsInDays: 3 },
    },
    {
      host: 'nowhere',
      path: 'shop/cart:3',
      fate: 'the name does not exist',
      ...bad('dns.not_found'),
      server: 'nobody',
    },
    { host: 'down', path: 'shop/cart:3', fate: 'nobody listens', ...bad('tcp.refused'), server: 'nobody' },
    {
      host: 'stranger',
      path: 'ops/backup:1',
      fate: 'an authority that the node does not know',
      ...bad('tls.untrusted'),
      certificate: { from: 'stranger' },
    },
    {
      host: 'expired',
      path: 'ops/backup:2',
      fate: 'the certificate has expired',
      ...bad('tls.expired'),
      certificate: { endsInDays: -2 },
    },
    {
      host: 'changed',
      path: 'bank/ledger:5',
      fate: 'the password on the node is an old one',
      ...bad('auth.rejected'),
      server: { auth: { scheme: 'basic', users } },
      password: 'old-password',
    },
    {
      host: 'closed',
      path: 'bank/vault:5',
      fate: 'the registry wants a password and the node has none',
      ...bad('auth.required'),
      server: { auth: { scheme: 'basic', users } },
    },
    {
      host: 'moved',
      path: 'shop/web:1.5',
      fate: 'the tag is not there',
      ...bad('manifest.unknown_tag'),
      server: { images: { 'shop/web:1.4': image() } },
    },
    {
      host: 'mainframe',
      path: 'bank/core:9',
      fate: 'no build for this platform',
      ...bad('manifest.no_platform'),
      server: { images: { 'bank/core:9': image({ platforms: ['linux/s390x', 'linux/ppc64le'] }) } },
    },
    {
      host: 'busy',
      path: 'shop/search:4',
      fate: 'too many pulls',
      ...bad('api.rate_limited'),
      server: { onRequest: wrong.onManifests(wrong.rateLimited(3600)) },
    },
    {
      host: 'split',
      path: 'data/model:70b',
      fate: 'the layers live where nobody listens',
      ...bad('blob.redirect_failed'),
      server: { blobsAt: unreachable },
    },
    {
      host: 'guest',
      path: 'shop/kiosk:1',
      fate: 'a log-in page answers for the registry',
      ...bad('api.not_a_registry'),
      server: { onRequest: wrong.captivePortal() },
    },
  ];
}
