/** What the agent remembers, in a file of a writable directory where one is given. Trouble with it is said once and harms nothing. */
import { emptyPast, readPast, type Past } from '#forecast/history/history.ts';
import { readStateFile, writeStateFile } from '#node/state-file.ts';
import type { Log } from '#output/log.ts';

export interface State {
  readonly read: () => Promise<Past>;
  readonly save: (past: Past) => Promise<void>;
}

export function openState(dir: string | null, log: Log): State | undefined {
  if (dir === null) return undefined;
  let isSaid = false;
  let saved = '';
  return {
    read: async () => {
      const read = await readStateFile(dir);
      if (!read.ok) log.warn({ why: read.why }, 'what was remembered cannot be read: starting anew');
      return read.ok && read.value !== undefined ? parsed(read.value) : emptyPast;
    },
    save: async (past) => {
      const text = JSON.stringify(past);
      if (text === saved) return;
      const written = await writeStateFile(dir, text);
      if (written.ok) saved = text;
      else if (!isSaid) log.warn({ why: written.why }, 'what is remembered cannot be kept over a restart');
      isSaid ||= !written.ok;
    },
  };
}

function parsed(text: string): Past {
  try {
    return readPast(JSON.parse(text));
  } catch {
    return emptyPast;
  }
}
