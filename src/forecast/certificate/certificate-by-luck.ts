/** Connections that are trusted today by accident: the next certificate may not be. */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Prediction, ImageRule, Unseen } from '#forecast/rule.ts';
import { certificatesIn, othersThan, standIns } from '#forecast/host/role.ts';

export const certificateByLuck: ImageRule = {
  name: 'certificate-by-luck',
  meta: {
    title: 'A host is trusted by accident',
    why: 'A server that does not send its intermediate certificate is trusted only by nodes that happen to have that intermediate in a file. The next certificate, from another intermediate, fails. With `skip_verify` the certificate is not checked at all.',
    needs:
      'A TLS handshake with the host. With `skip_verify` the forecast is `unknown`: drypull says how verification would fail.',
    remedy: 'Have the server send the whole chain, or trust the root instead of the intermediate.',
  },
  unseen,
  evaluate,
};

function evaluate({ rehearsal, plan, now }: ImageFacts): readonly Prediction[] {
  const found = new Map<string, Prediction>();
  for (const { host, tls } of certificatesIn(rehearsal)) {
    if (tls.luck?.is !== 'intermediate_not_sent' || found.has(host)) continue;
    const { subject, file } = tls.luck;
    const endMs = Date.parse(tls.leaf?.notAfter ?? tls.notAfter);
    const others = othersThan(plan, host);
    found.set(host, {
      about: host,
      fault: 'tls.untrusted',
      likelihood: 'possible',
      effect: 'fails',
      ...(Number.isNaN(endMs) ? {} : { withinS: Math.max(0, Math.round((endMs - now.getTime()) / 1000)) }),
      assuming: `the next certificate of ${host} comes from another intermediate`,
      because: `${host} does not send its intermediate certificate (${subject}); it is trusted only because ${file} contains it${standIns(others)}`,
      remedy: `Have the owner of ${host} send the whole chain, or trust the root instead of the intermediate.`,
    });
  }
  return [...found.values()];
}

/** A certificate that is not verified cannot fail until verification is turned on. */
function unseen({ rehearsal }: ImageFacts): readonly Unseen[] {
  const found = new Map<string, Unseen>();
  for (const { host, tls } of certificatesIn(rehearsal)) {
    if (tls.luck?.is !== 'unverified') continue;
    const { fault } = tls.luck;
    found.set(host, {
      about: host,
      fault,
      because: `the certificate of ${host} is not verified (skip_verify); verification would fail (${fault})`,
      remedy: `Fix the certificate of ${host} or trust its authority with a ca file, then turn verification on again.`,
    });
  }
  return [...found.values()];
}
