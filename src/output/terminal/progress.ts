/**
 * Says how far the work is while it is being done: one line that is written over on a terminal; elsewhere a line now and then,
 * and none at all for work that is done before anybody wonders. The clock is given; whoever calls decides how often to tick.
 */
import type { PullReport } from '#report/report.ts';
import { oneLine } from '#report/advice/phrases.ts';
import { counted, duration } from '#output/measures.ts';
import { fit, painter } from './paint.ts';

/** A stream as far as progress needs one. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressAsk {
  readonly total: number;
  readonly elapsedMs: () => number;
  readonly colour: boolean;
  /** What is counted; images where nothing is said. */
  readonly noun?: string;
}

export interface Progress {
  done(what: Pick<PullReport, 'image' | 'verdict'>): void;
  tick(): void;
  /** Removes the line; says nothing more. */
  stop(): void;
}

/** A terminal that does not know its width says nothing, or 0. */
export function columnsOf({ columns = 0 }: Pick<ProgressStream, 'columns'>): number {
  return columns > 0 ? columns : 80;
}

const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
/** How often a line is due where lines stay. */
const plainEveryMs = 10_000;

export function progress(stream: ProgressStream, ask: ProgressAsk): Progress {
  const state = { done: 0, fails: 0, last: '', ticks: 0, printedMs: ask.elapsedMs(), stopped: false };
  const live = stream.isTTY === true;
  const describe = (): void => {
    if (state.stopped) return;
    if (live) stream.write(`\r\u001b[2K${liveLine(state, ask, columnsOf(stream))}`);
    else if (ask.elapsedMs() - state.printedMs >= plainEveryMs) {
      state.printedMs = ask.elapsedMs();
      stream.write(
        `${share(state.done, ask)} ${ask.noun === undefined ? 'rehearsed' : 'asked'} after ${duration(ask.elapsedMs())}\n`,
      );
    }
  };
  return {
    done: ({ image, verdict }) => {
      state.done += 1;
      if (verdict.is === 'fails') state.fails += 1;
      state.last = oneLine(image);
      describe();
    },
    tick: () => {
      state.ticks += 1;
      describe();
    },
    stop: () => {
      if (live && !state.stopped) stream.write('\r\u001b[2K');
      state.stopped = true;
    },
  };
}

function liveLine(
  state: { readonly done: number; readonly fails: number; readonly last: string; readonly ticks: number },
  ask: ProgressAsk,
  columns: number,
): string {
  const { elapsedMs, colour } = ask;
  const frame = frames[state.ticks % frames.length] ?? '';
  const fails = state.fails === 0 ? '' : `, ${state.fails} ${state.fails === 1 ? 'fails' : 'fail'}`;
  const head = `${frame} ${share(state.done, ask)}, ${duration(elapsedMs())}${fails}`;
  const tail = fit(state.last === '' ? '' : `  ${state.last}`, Math.max(0, columns - 1 - head.length));
  return fit(head, columns - 1) + painter(colour)('dim', tail);
}

function share(done: number, { total, noun = 'image' }: ProgressAsk): string {
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  return `${done} of ${counted(total, noun)} (${percent} %)`;
}
