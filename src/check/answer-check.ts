/**
 * POST /check: a Kubernetes stream, or image references one a line, answered from known reports where they are fresh and the request
 * allows it, else by rehearsals. The sender may name Secrets that it may not read: they are read, and reports that needed them are
 * returned, only where the configuration allows it (checkSecrets).
 */
import { LRUCache } from 'lru-cache';
import { checked, isFresh, type CheckedReport, type CheckManner } from '#report/check-answer.ts';
import type { Ledger } from '#report/ledger.ts';
import { omit } from '#data/omit.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#kubelet/demand.ts';
import { demandName } from '#agent/demands.ts';
import { bareDemand } from '#config/image-demand.ts';
import { demandKeys } from '#kubernetes/manifests/demand-key.ts';
import { readManifests } from '#kubernetes/manifests/read-manifests.ts';

interface CheckDependencies {
  readonly rehearse: (demands: readonly Demand[], signal: AbortSignal) => AsyncIterable<PullReport>;
  readonly ledger: () => Ledger;
  /** The most images in a list of references. */
  readonly mostImages: number;
  /** Whether checks may use the pull secrets of the cluster (checkSecrets). */
  readonly secrets: boolean;
  readonly nowMs: () => number;
}

export interface CheckRequest extends CheckManner {
  readonly text: string;
  readonly signal: AbortSignal;
}

/** Reports of checks that are kept for later checks; without their steps each takes about 1 KiB. */
const mostKept = 200;

export class CheckTaker {
  readonly #dependencies: CheckDependencies;
  readonly #keyOf = demandKeys();
  readonly #kept = new LRUCache<string, PullReport>({ max: mostKept });

  constructor(dependencies: CheckDependencies) {
    this.#dependencies = dependencies;
  }

  async take(request: CheckRequest): Promise<readonly CheckedReport[]> {
    const demands = demandsIn(request.text, this.#dependencies.mostImages);
    const found = new Map<Demand, PullReport>();
    if (request.known) for (const demand of demands) this.#recall(demand, request, found);
    const open = demands.filter((demand) => !found.has(demand));
    const byKey = new Map(open.map((demand) => [reportKey(demand), demand]));
    if (open.length > 0) {
      for await (const report of this.#dependencies.rehearse(open, request.signal)) {
        const demand = byKey.get(reportKey(report));
        if (demand === undefined) continue;
        found.set(demand, report);
        this.#keep(demand, report);
      }
    }
    const nowMs = this.#dependencies.nowMs();
    return demands.flatMap((demand) => {
      const report = found.get(demand);
      return report === undefined ? [] : [checked(report, request, nowMs)];
    });
  }

  #recall(demand: Demand, { brief }: CheckManner, found: Map<Demand, PullReport>): void {
    const ledger = this.#dependencies.ledger();
    const at = { nowMs: this.#dependencies.nowMs(), cadenceMs: ledger.cadenceMs };
    const own = this.#mayUseOwn(demand)
      ? ledger.entries.find(({ id }) => id === demandName(demand))?.report
      : undefined;
    // Reports of earlier checks are kept without their steps.
    const kept = brief ? this.#kept.get(this.#keyOf(demand)) : undefined;
    const [newest] = [own, kept]
      .filter((report) => report !== undefined)
      .filter((report) => isFresh(report, at))
      .toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at));
    if (newest === undefined) return;
    found.set(demand, { ...omit(newest, 'id'), requestedBy: demand.requestedBy });
  }

  /** The agent's own rehearsals used the pull secrets of the cluster. */
  #mayUseOwn({ secrets }: Demand): boolean {
    return secrets.length === 0 || (this.#dependencies.secrets && secrets.every(({ state }) => state.is === 'unseen'));
  }

  #keep(demand: Demand, report: PullReport): void {
    const brief = checked(report, { brief: true, known: false }, this.#dependencies.nowMs());
    this.#kept.set(this.#keyOf(demand), brief);
  }
}

/** The same for a demand and its report. */
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
