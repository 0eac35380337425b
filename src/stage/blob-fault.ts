/** What kept a blob back, named as the blob's fault, so that its host is the one to mend. */
import type { Fault } from '#pull/fault.ts';
import type { Descriptor } from '#pull/manifest.ts';
import { stageOf, type Trouble } from './trouble.ts';

/** The wire's and the registry's faults, as faults of the blob they kept back. */
export function asBlob(found: Trouble, wanted: Descriptor): Trouble {
  const { fault } = found;
  const { digest } = wanted;
  switch (stageOf(fault)) {
    case 'dns':
    case 'proxy':
    case 'tcp':
    case 'tls':
      return { ...found, fault: { code: 'blob.unreachable', digest, host: hostOf(fault), cause: fault } };
    case 'api':
      if (fault.code === 'api.unavailable' || fault.code === 'api.rejected')
        return { ...found, fault: { code: 'blob.unavailable', digest, host: fault.host, status: fault.status } };
      if (fault.code === 'api.rate_limited') return found;
      return { ...found, fault: { code: 'blob.unreachable', digest, host: hostOf(fault), cause: fault } };
    case 'auth':
      if (fault.code === 'auth.denied' || fault.code === 'auth.rejected')
        return { ...found, fault: { code: 'blob.denied', digest, host: fault.host, status: fault.status } };
      return { ...found, fault: { code: 'blob.unreachable', digest, host: hostOf(fault), cause: fault } };
    case 'plan':
    case 'manifest':
    case 'blob':
      return found;
  }
}

function hostOf(fault: Fault): string {
  if ('host' in fault) return fault.host;
  return 'address' in fault ? fault.address : '';
}
