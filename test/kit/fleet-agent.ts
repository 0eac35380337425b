/** An agent as far as checks go: the real listener and the real taking of checks; its rehearsals are answered by the test. */
import type { Ledger } from '#report/ledger.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#node/view.ts';
import { CheckTaker } from '#check/answer-check.ts';
import { listener } from './fleet-world.ts';
import { ledgerOf, pulling } from './ledger.ts';

export interface FleetAgent extends AsyncDisposable {
  readonly ending: { readonly is: 'port'; readonly port: number };
  /** Every demand that was rehearsed, in order. */
  readonly rehearsed: Demand[];
}

export interface AgentSketch {
  readonly answer?: (demand: Demand) => PullReport;
  readonly ledger?: () => Ledger;
  readonly secrets?: boolean;
  readonly nowMs?: () => number;
}

/** Verdict and image are the demand's own. */
export function reportOn(demand: Demand, report: PullReport = pulling({ image: demand.written })): PullReport {
  return { ...report, image: demand.written, policy: demand.policy, requestedBy: demand.requestedBy };
}

export async function fleetAgent(sketch: AgentSketch = {}): Promise<FleetAgent> {
  const { answer = reportOn, secrets = false, nowMs = (): number => Date.now() } = sketch;
  const empty = ledgerOf([]);
  const ledger = sketch.ledger ?? ((): Ledger => empty);
  const rehearsed: Demand[] = [];
  const taker = new CheckTaker({
    // Reports come when they are ready; here, at once.
    // eslint-disable-next-line @typescript-eslint/require-await -- an asynchronous iterable is what is asked for
    rehearse: async function* (demands) {
      for (const demand of demands) {
        rehearsed.push(demand);
        yield { ...answer(demand), at: new Date(nowMs()).toISOString() };
      }
    },
    ledger,
    mostImages: 500,
    secrets,
    nowMs,
  });
  const listening = await listener({ check: (asked) => taker.take(asked), ledger, now: nowMs });
  return { ...listening, rehearsed, [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose]() };
}
