/**
 * The node's clock is wrong, or will be. Credential plugins sign with it (AWS Signature Version 4 refuses a skew of five minutes),
 * and certificates are judged by it: one issued a minute ago is not valid yet on a node that is two minutes behind.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { FaultCode } from '#report/fault.ts';
import { aheadOf, type ClockHistory } from '#forecast/history/clock.ts';
import { spanText } from '#report/time-text.ts';
import { median } from '#forecast/trend.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { exchangesOf } from '#forecast/host/role.ts';
import { dayS, hourS } from '#forecast/times.ts';

export const clockSkews: ImageRule = {
  name: 'clock-skews',
  meta: {
    title: "The node's clock is wrong, or drifts",
    why: 'Cloud registries refuse requests that are signed with a clock more than five minutes off, and certificates appear expired or not yet valid. The rule also gives the time at which the drift of the last day reaches five minutes.',
    needs: 'Date headers in the answers of registries; for a drift, 4 samples over at least an hour.',
    remedy: "Check the node's time synchronisation (chronyd, systemd-timesyncd).",
  },
  evaluate,
};

const refusedS = 300;
/** Close enough to the limit to report. */
const tolerableS = 240;
/** Date headers have whole seconds: a drift shows only over hours, and by more seconds than a network delay. */
const leastSamples = 4;
const leastTimeS = hourS;
const leastChangeS = 5;
const horizonS = 7 * dayS;

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const aheadS = aheadOf(exchangesOf(facts.rehearsal));
  if (aheadS === undefined) return [];
  const behind = aheadS > 0;
  const skew = `the registries' clocks are ${Math.round(Math.abs(aheadS))} s ${behind ? 'ahead of' : 'behind'} this node's`;
  const common = {
    about: 'the clock',
    fault: faultOf(behind, facts),
    effect: 'fails',
    remedy: "Check the node's time synchronisation (chronyd, systemd-timesyncd).",
  } as const;
  if (Math.abs(aheadS) >= refusedS) return [{ ...common, likelihood: 'likely', withinS: 0, because: skew }];
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
        assuming: `it continues to drift by ${rate} s a day`,
        because: `${skew} and drift away by ${rate} s a day; a skew of ${spanText(refusedS * 1000)} is refused`,
      },
    ];
  }
  return Math.abs(aheadS) < tolerableS ? [] : [{ ...common, likelihood: 'possible', because: skew }];
}

/** Seconds a day: the median of the slopes between all pairs (Theil–Sen), which one wrong sample does not change. */
function driftOf(samples: ClockHistory): number | undefined {
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

/** A plugin that signs with the node's clock is refused first. */
function faultOf(isBehind: boolean, { view }: ImageFacts): FaultCode {
  const { providers } = view.kubelet;
  if (providers.ok && providers.value.length > 0) return 'credential.provider_failed';
  return isBehind ? 'tls.not_yet_valid' : 'tls.expired';
}
