/** Certificates in files that the runtime's configuration names: what is presented to a server, and what is trusted by a file alone. */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Route } from '#runtime/plan.ts';
import { minuteText } from '#report/time-text.ts';
import type { ClientPair } from '#node/view.ts';
import type { PemFile } from '#report/certificate.ts';
import { issuerSoonS, likelihoodOf, renewalWindowS } from './renewal.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { certificatesIn, othersThan, standIns } from '#forecast/host/role.ts';

export const certificateFileExpires: ImageRule = { name: 'certificate-file-expires', evaluate };

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const routes = facts.plan.routes.ok ? facts.plan.routes.value : [];
  const session = new Set(certificatesIn(facts.rehearsal).map(({ host }) => host));
  const found = routes.flatMap((route) => [
    ...route.tls.clients.flatMap((client) => ofClient(client, route, facts)),
    // What the handshake needed of it, the handshake tells.
    ...(session.has(route.host) || !route.tls.verify
      ? []
      : route.tls.extraRoots.flatMap((file) => ofCa(file, route, facts))),
  ]);
  return [...new Map(found.map((one) => [`${one.about} ${one.fault}`, one])).values()];
}

function ofClient(
  { certificate, certPath }: ClientPair,
  route: Route,
  { now, plan }: ImageFacts,
): readonly Prediction[] {
  if (certificate === undefined) return [];
  const [startMs, endMs] = [Date.parse(certificate.notBefore), Date.parse(certificate.notAfter)];
  const withinS = Math.round((endMs - now.getTime()) / 1000);
  const window = renewalWindowS((endMs - startMs) / 1000);
  // One that has ended and does no harm is not asked for.
  if (!(withinS > 0 && withinS < window)) return [];
  const others = othersThan(plan, route.host);
  return [
    {
      about: certPath,
      fault: 'tls.client_rejected',
      likelihood: likelihoodOf(withinS, others),
      effect: 'fails',
      withinS,
      assuming: `${route.authority} asks for a client certificate, and nobody renews this one`,
      because: `the client certificate ${certPath} (${certificate.subject}) for ${route.authority} ends on ${minuteText(endMs)}${standIns(others)}`,
      remedy: `Renew ${certPath} on the node.`,
    },
  ];
}

function ofCa({ certificates = [], path }: PemFile, route: Route, { now, plan }: ImageFacts): readonly Prediction[] {
  const ends = certificates.map(({ notAfter }) => Date.parse(notAfter)).filter((end) => !Number.isNaN(end));
  if (ends.length === 0) return [];
  const endMs = Math.max(...ends);
  const withinS = Math.round((endMs - now.getTime()) / 1000);
  if (withinS >= issuerSoonS) return [];
  const others = othersThan(plan, route.host);
  const history = withinS <= 0;
  return [
    {
      about: path,
      fault: 'tls.expired',
      likelihood: 'possible',
      effect: 'fails',
      withinS: Math.max(0, withinS),
      assuming: `${route.authority} is trusted by this file alone`,
      because: `the last certificate in ${path}, trusted for ${route.authority}, ${history ? 'ended' : 'ends'} on ${minuteText(endMs)}${standIns(others)}`,
      remedy: `Put the present certificate of the authority into ${path}.`,
    },
  ];
}
