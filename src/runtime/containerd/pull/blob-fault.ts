/** What kept a blob back, named as the blob's fault, so that its host is the one to mend. */
import type { Fault } from '#report/fault.ts';
import type { Descriptor } from '#image/manifest.ts';
import { stageOf, type Trouble } from '#runtime/attempt/trouble.ts';

/** The wire's and the registry's faults, as faults of the blob they kept back. */
export function asBlob(found: Trouble, { digest }: Descriptor): Trouble {
  const { fault } = found;
  switch (stageOf(fault)) {
    case 'dns':
    case 'proxy':
    case 'tcp':
    case 'tls':
      return { ...found, fault: unreachable(found, digest) };
    case 'api':
      if (fault.code === 'api.rate_limited') return found;
      if (fault.code !== 'api.unavailable' && fault.code !== 'api.rejected')
        return { ...found, fault: unreachable(found, digest) };
      return { ...found, fault: { code: 'blob.unavailable', digest, host: fault.host, status: fault.status } };
    case 'auth':
      if (fault.code !== 'auth.denied' && fault.code !== 'auth.rejected')
        return { ...found, fault: unreachable(found, digest) };
      return { ...found, fault: { code: 'blob.denied', digest, host: fault.host, status: fault.status } };
    case 'plan':
    case 'manifest':
    case 'blob':
      return found;
  }
}

function unreachable({ fault, at }: Trouble, digest: string): Fault {
  const host = at?.host ?? ('host' in fault ? fault.host : '');
  if (at?.redirectedBy !== undefined) {
    return { code: 'blob.redirect_failed', digest, host: at.redirectedBy, target: host, cause: fault };
  }
  return { code: 'blob.unreachable', digest, host, cause: fault };
}
