/**
 * What each rule foretells, and what is shown of it: that it comes. `test/foresight/coverage.test.ts` holds this against the rules'
 * own words and against the claims of the tests, so that a new rule, or a new fault of an old one, asks for its test.
 */
import type { FaultCode } from '#report/fault.ts';

export interface Foretellable {
  /** Brought about; where a rule passes on whatever fault it met, one or two of them. */
  readonly comes: readonly FaultCode[];
  /** Foretold, and not brought about: why. */
  readonly not?: Readonly<Partial<Record<FaultCode, string>>>;
  /** Named in the rule, and foretold by it to nobody. */
  readonly asksFor?: readonly FaultCode[];
}

const comes = (...faults: readonly FaultCode[]): Foretellable => ({ comes: faults });

export const foretellable: Readonly<Record<string, Foretellable>> = {
  'address-down': { comes: ['tcp.refused'], asksFor: ['tcp.unreachable'] },
  'blob-host-flaky': comes('blob.redirect_failed', 'blob.unreachable'),
  'blob-host-new': { comes: ['blob.redirect_failed'], asksFor: ['blob.unreachable'] },
  'certificate-by-luck': comes('tls.untrusted'),
  'certificate-expires': comes('tls.expired'),
  'certificate-file-expires': comes('tls.client_rejected', 'tls.expired'),
  'clock-skews': comes('tls.not_yet_valid', 'tls.expired', 'credential.provider_failed'),
  'credential-expires': comes('auth.rejected'),
  'credential-precedes': comes('auth.rejected', 'api.rate_limited'),
  'disk-fills': { comes: ['disk.pressure', 'disk.full', 'disk.inodes'], asksFor: ['agent.cannot_see'] },
  'disk-pressure': comes('disk.pressure'),
  'host-comes-and-goes': comes('api.unavailable'),
  'hosts-file-outdated': comes('tcp.timed_out'),
  'login-nears-lock': comes('api.rate_limited'),
  'name-server-down': { comes: ['dns.timed_out'], asksFor: ['dns.not_found'] },
  'name-servers-disagree': comes('dns.not_found', 'tcp.refused'),
  'names-searched': comes('dns.timed_out'),
  'platform-lacking': comes('manifest.no_platform'),
  'provider-fails': comes('credential.provider_failed'),
  'pull-outgrows-disk': comes('disk.full', 'disk.inodes'),
  'pull-outlasts-deadline': comes('blob.slow'),
  'pull-stalls': comes('blob.stalled'),
  'pull-trips-eviction': comes('disk.pressure'),
  'pulls-outgrow-disk': comes('disk.full', 'disk.inodes'),
  'pulls-queue': comes('kubelet.pulls_queued', 'kubelet.qps_exceeded'),
  'quota-runs-out': comes('api.rate_limited'),
  'quota-short': comes('api.rate_limited'),
  'quota-unseen': comes('api.rate_limited'),
  'rate-limit-nears': comes('api.rate_limited'),
  'registry-announces': comes('api.announced'),
  'registry-deprecated': {
    comes: ['manifest.unknown_tag', 'manifest.unknown_repository', 'dns.not_found'],
    asksFor: ['auth.denied'],
  },
  'registry-limited': comes('api.rate_limited'),
  'restart-pending': {
    comes: [
      'dns.not_found',
      'tcp.refused',
      'tls.untrusted',
      'runtime.misconfigured',
      'credential.provider_misconfigured',
      'auth.required',
    ],
    asksFor: ['tls.expired'],
  },
  'root-leaves': comes('tls.untrusted'),
  'route-down': { comes: ['tcp.refused'], asksFor: ['api.unavailable'] },
  'route-slow': comes('api.timed_out'),
  'secret-matches-nothing': comes('auth.required'),
  'tag-flickers': comes('manifest.unknown_tag', 'api.rejected'),
  'tag-moved': comes('manifest.tag_moved'),
  'tag-vanished': comes('manifest.unknown_tag'),
};
