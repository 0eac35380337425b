/**
 * A node whose clock is wrong, or will be. Credential plugins sign with it (AWS Signature Version 4 refuses five minutes), and
 * certificates are judged by it: one that was issued a minute ago is not valid yet for a node that is two behind.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { FaultCode } from '#report/fault.ts';
import { aheadOf, type ClockHistory } from '#forecast/history/clock.ts';
import { spanText } from '#report/time-text.ts';
import { median } from '#forecast/trend.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { exchangesOf } from '#forecast/host/role.ts';
import { dayS, hourS } from '#forecast/times.ts';

export const clockSkews: ImageRule = { name: 'clock-skews', evaluate };

const refusedS = 300;
/** Near enough to be said. */
const tolerableS = 240;
/** A drift is told from the whole seconds of Date headers only by hours, and by seconds that no network takes. */
const leastSamples = 4;
const leastTimeS = hourS;
const leastChangeS = 5;
const horizonS = 7 * dayS;

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const aheadS = aheadOf(exchangesOf(facts.rehearsal));
  if (aheadS === undefined) return [];
  const behind = aheadS > 0;
  const text = `the registries' clocks are ${Math.round(Math.abs(aheadS))} s ${behind ? 'ahead of' : 'behind'} this node's`;
  const common = {
    about: 'the clock',
    fault: faultOf(behind, facts),
    effect: 'fails',
    remedy: "Check the node's time synchronisation (chronyd, systemd-timesyncd).",
  } as const;
  if (Math.abs(aheadS) >= refusedS) return [{ ...common, likelihood: 'likely', withinS: 0, because: text }];
  const perDayS = driftOf([...facts.history.clock, { atMs: facts.now.getTime(), aheadS }]);
  const withinS =
    perDayS !== undefined && perDayS > 0 === behind
      ? ((refusedS - Math.abs(aheadS)) / Math.abs(perDayS)) * dayS
      : Infinity;
  if (withinS < horizonS && perDayS !== undefined) {
    const rate = Math.abs(perDayS) < 10 ? Math.abs(perDayS).toFixed(1) : String(Math.round(Math.abs(perDayS)));
    return [
      {
        ...common,
        likelihood: withinS < dayS ? 'likely' : 'possible',
        withinS: Math.round(withinS),
        assuming: `it goes on drifting by ${rate} s a day`,
        because: `${text} and drift away by ${rate} s a day; ${spanText(refusedS * 1000)} are refused`,
      },
    ];
  }
  return Math.abs(aheadS) < tolerableS ? [] : [{ ...common, likelihood: 'possible', because: text }];
}

/** Seconds a day, by the middle of the slopes between all pairs (Theil and Sen): one wrong sample changes nothing. */
export function driftOf(samples: ClockHistory): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || samples.length < leastSamples) return undefined;
  const timeS = (last.atMs - first.atMs) / 1000;
  if (!(timeS >= leastTimeS)) return undefined;
  const slopes = samples.flatMap((one, i) =>
    samples
      .slice(i + 1)
      .filter((other) => other.atMs > one.atMs)
      .map((other) => (other.aheadS - one.aheadS) / ((other.atMs - one.atMs) / 1000)),
  );
  const slope = median(slopes) ?? 0;
  return Math.abs(slope * timeS) < leastChangeS ? undefined : slope * dayS;
}

/** Whoever signs with the node's clock is refused first. */
function faultOf(isBehind: boolean, { view }: ImageFacts): FaultCode {
  const { providers } = view.kubelet;
  if (providers.ok && providers.value.length > 0) return 'credential.provider_failed';
  return isBehind ? 'tls.not_yet_valid' : 'tls.expired';
}
