/**
 * POST /check: a Kubernetes stream, or image references one a line, answered from what the agent knows where that is fresh and
 * asked for, else by rehearsals. Whoever asks names secrets that are not theirs to use: they are read where the configuration
 * says so, and what is known of an image that needs them is told then only.
 */
import { checked, isFresh, type CheckedReport, type CheckManner } from '#report/check-answer.ts';
import type { Ledger } from '#report/ledger.ts';
import { omit } from '#data/omit.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#node/view.ts';
import { demandName } from '#agent/demands.ts';
import { bareDemand } from '#config/image-demand.ts';
import { demandKeys } from '#kubernetes/manifests/demand-key.ts';
import { readManifests } from '#kubernetes/manifests/read-manifests.ts';

export interface CheckDependencies {
  readonly rehearse: (demands: readonly Demand[], signal: AbortSignal) => AsyncIterable<PullReport>;
  readonly ledger: () => Ledger;
  /** Of a list of references. */
  readonly mostImages: number;
  /** Whether the pull secrets of the cluster serve checks (checkSecrets). */
  readonly secrets: boolean;
  readonly nowMs: () => number;
}

export interface CheckAsked extends CheckManner {
  readonly text: string;
  readonly signal: AbortSignal;
}

/** Answers to checks that are kept for the next one; without their steps each is about 1 KiB. */
const mostKept = 200;

export class CheckTaker {
  readonly #dependencies: CheckDependencies;
  readonly #keyOf = demandKeys();
  /** Newest last. */
  readonly #kept = new Map<string, PullReport>();

  constructor(means: CheckDependencies) {
    this.#dependencies = means;
  }

  async take(asked: CheckAsked): Promise<readonly CheckedReport[]> {
    const demands = demandsIn(asked.text, this.#dependencies.mostImages);
    const found = new Map<Demand, PullReport>();
    if (asked.known) for (const demand of demands) this.#recall(demand, asked, found);
    const open = demands.filter((demand) => !found.has(demand));
    const byKey = new Map(open.map((demand) => [reportKey(demand), demand]));
    if (open.length > 0) {
      for await (const report of this.#dependencies.rehearse(open, asked.signal)) {
        const demand = byKey.get(reportKey(report));
        if (demand === undefined) continue;
        found.set(demand, report);
        this.#keep(demand, report);
      }
    }
    const nowMs = this.#dependencies.nowMs();
    return demands.flatMap((demand) => {
      const report = found.get(demand);
      return report === undefined ? [] : [checked(report, asked, nowMs)];
    });
  }

  #recall(demand: Demand, { brief }: CheckManner, found: Map<Demand, PullReport>): void {
    const ledger = this.#dependencies.ledger();
    const at = { nowMs: this.#dependencies.nowMs(), cadenceMs: ledger.cadenceMs };
    const own = this.#isOurs(demand) ? ledger.entries.find(({ id }) => id === demandName(demand))?.report : undefined;
    // Those of earlier checks are kept without their steps.
    const kept = brief ? this.#kept.get(this.#keyOf(demand)) : undefined;
    const [newest] = [own, kept]
      .filter((report) => report !== undefined)
      .filter((report) => isFresh(report, at))
      .toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at));
    if (newest === undefined) return;
    found.set(demand, { ...omit(newest, 'id'), requestedBy: demand.requestedBy });
  }

  /** The agent's own rehearsals went with the cluster's secrets. */
  #isOurs({ secrets }: Demand): boolean {
    return secrets.length === 0 || (this.#dependencies.secrets && secrets.every(({ state }) => state.is === 'unseen'));
  }

  #keep(demand: Demand, report: PullReport): void {
    const key = this.#keyOf(demand);
    this.#kept.delete(key);
    this.#kept.set(key, checked(report, { brief: true, known: false }, this.#dependencies.nowMs()));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= mostKept) break;
      this.#kept.delete(oldest);
    }
  }
}

/** What a report and its demand have in common. */
function reportKey(one: PullReport | Demand): string {
  const written = 'written' in one ? one.written : one.image;
  return JSON.stringify([written, one.policy, one.requestedBy]);
}

function demandsIn(text: string, most: number): readonly Demand[] {
  const lines = text.split('\n').map((line) => line.trim());
  const plain =
    lines.every((line) => line === '' || line.startsWith('#') || /^[^\s:{[]+(:[^\s]+)?$/.test(line)) &&
    !/^(apiVersion|kind):/m.test(text);
  if (!plain) return readManifests(text, { namespace: 'default' }).demands;
  const references = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return [...new Set(references)].slice(0, most).map((line) => bareDemand(line, []));
}
