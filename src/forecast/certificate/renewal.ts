/** When a certificate should have been renewed, and how sure it is then that its end comes unhindered. */
import type { Likelihood } from '#forecast/forecast.ts';
import { dayS, hourS } from '#forecast/times.ts';

/** Nobody renews any more by then. */
const hoursS = 6 * hourS;
/** ACME clients renew 90 days with 30 left; who renews by hand has begun by now. */
const soonS = 14 * dayS;
/** ACME clients renew with a third of the life left (certbot, lego, cert-manager); some days of slack for how often they run. */
const shareOfLife = 0.3;
/** Authorities announce their next certificate months ahead; whoever has not changed by now has overlooked it. */
export const issuerSoonS = 30 * dayS;

/** Seconds before its end, of a certificate that lives for so long. */
export function renewalWindowS(lifeS: number): number {
  return Math.min(soonS, lifeS * shareOfLife);
}

export function likelihoodOf(withinS: number, others: readonly string[]): Likelihood {
  if (others.length > 0) return 'possible';
  return withinS < hoursS ? 'certain' : 'likely';
}
