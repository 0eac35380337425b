/** Facts for rules of foresight as literals: one image, one node, one rehearsal that went well unless it says otherwise. */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Image } from '#image/reference.ts';
import type { Good } from '#report/outcome.ts';
import { emptyNodeHistory, type NodeHistory } from '#forecast/history/history.ts';
import { planPull } from '#runtime/plan.ts';
import type { Evidence, Exchange, Rehearsal, Step, TlsFacts } from '#report/rehearsal.ts';
import type { HostRule, NodeView } from '#node/view.ts';
import { forecastImage } from '#forecast/rules.ts';
import { good, healthy, opened } from './exchanges.ts';
import { demandFor, nodeOf, plain, toml, type NodeSketch } from './stage.ts';

export const noon = new Date('2026-03-04T12:00:00.000Z');
export const minuteMs = 60_000;
export const dayMs = 86_400_000;

export interface FactsSketch {
  readonly now?: Date;
  /** Mirrors before `reg.test`, whose image it is. */
  readonly mirrors?: readonly HostRule[];
  readonly server?: Partial<HostRule>;
  readonly node?: NodeSketch;
  readonly runtime?: Partial<NodeView['runtime']>;
  readonly exchanges?: readonly Exchange[];
  readonly evidence?: readonly Evidence[];
  readonly rehearsal?: Partial<Rehearsal>;
  readonly history?: Partial<NodeHistory>;
}

export function factsOf(sketch: FactsSketch = {}): ImageFacts {
  const { mirrors = [], server = {}, evidence = [] } = sketch;
  const demand = demandFor('reg.test/team/app:v1');
  const node = nodeOf({
    dirs: { 'reg.test': toml(plain('reg.test', { url: 'https://reg.test', ...server }), ...mirrors) },
    ...sketch.node,
  });
  const view = { ...node, runtime: { ...node.runtime, ...sketch.runtime } };
  const well = healthy('reg.test', 'team/app');
  const attempts = [sketch.exchanges === undefined ? well : { ...well, exchanges: sketch.exchanges }];
  return {
    now: sketch.now ?? noon,
    view,
    demand,
    plan: planPull(view, { ...demand, image: demand.image as Good<Image> }, []),
    rehearsal: { attempts, evidence, ms: 1, ...sketch.rehearsal },
    history: { ...emptyNodeHistory, ...sketch.history },
  };
}

/** What one rule says of them. */
export function predicted(rule: string, sketch: FactsSketch = {}): readonly Forecast[] {
  return forecastImage(factsOf(sketch)).filter((forecast) => forecast.rule === rule);
}

/** Steps that opened a connection, with this of its certificate. */
export function session(host: string, tls: Partial<TlsFacts>): readonly Step[] {
  return opened(host, 0).map((step) =>
    step.step === 'tls' && step.outcome.ok ? { ...step, outcome: good({ ...step.outcome.value, ...tls }) } : step,
  );
}

/** ISO 8601, so many days after noon. */
export function onDay(days: number): string {
  return new Date(noon.getTime() + days * dayMs).toISOString();
}
