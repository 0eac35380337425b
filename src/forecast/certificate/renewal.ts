/** When a certificate should have been renewed, and how likely it is then that it expires. */
import type { Likelihood } from '#forecast/forecast.ts';
import { dayS, hourS } from '#forecast/times.ts';

/** So close to expiry a renewal is not to be expected any more. */
const hoursS = 6 * hourS;
/** ACME clients renew 90-day certificates with 30 days left; a manual renewal has started by now. */
const soonS = 14 * dayS;
/** ACME clients renew with a third of the lifetime left (certbot, lego, cert-manager); a little less, for how often they run. */
const shareOfLife = 0.3;
/** Authorities announce their next certificate months ahead; an owner who has not changed by now has overlooked it. */
export const issuerSoonS = 30 * dayS;

/** Seconds before expiry by which a certificate with this lifetime should have been renewed. */
export function renewalWindowS(lifeS: number): number {
  return Math.min(soonS, lifeS * shareOfLife);
}

export function likelihoodOf(withinS: number, others: readonly string[]): Likelihood {
  if (others.length > 0) return 'possible';
  return withinS < hoursS ? 'certain' : 'likely';
}
