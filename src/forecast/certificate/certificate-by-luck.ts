/** Connections that are trusted today by what nobody keeps up: the next certificate may not be. */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Prediction, ImageRule, Unseen } from '#forecast/rule.ts';
import { certificatesIn, othersThan, standIns } from '#forecast/host/role.ts';

export const certificateByLuck: ImageRule = { name: 'certificate-by-luck', unseen, evaluate };

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
      because: `${host} does not send its intermediate certificate (${subject}); it is trusted because ${file} holds it${standIns(others)}`,
      remedy: `Have the owner of ${host} send the whole chain, or trust the root in place of the intermediate.`,
    });
  }
  return [...found.values()];
}

/** What nobody verifies cannot be told to fail: until somebody does. */
function unseen({ rehearsal }: ImageFacts): readonly Unseen[] {
  const found = new Map<string, Unseen>();
  for (const { host, tls } of certificatesIn(rehearsal)) {
    if (tls.luck?.is !== 'unverified') continue;
    const { fault } = tls.luck;
    found.set(host, {
      about: host,
      fault,
      because: `nobody verifies the certificate of ${host} (skip_verify); it would be refused (${fault})`,
      remedy: `Mend the certificate of ${host} or trust its authority by a ca file, and then verify again.`,
    });
  }
  return [...found.values()];
}
