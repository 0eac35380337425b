/** What the agent remembers, in a file of a writable directory where one is given. Trouble with it is said once and harms nothing. */
import { emptyNodeHistory, readNodeHistory, type NodeHistory } from '#forecast/history/history.ts';
import { readStateFile, writeStateFile } from '#node/state-file.ts';
import type { Log } from '#output/log.ts';

export interface State {
  readonly read: () => Promise<NodeHistory>;
  readonly save: (history: NodeHistory) => Promise<void>;
}

export function openState(dir: string | null, log: Log): State | undefined {
  if (dir === null) return undefined;
  let isLogged = false;
  let saved = '';
  return {
    read: async () => {
      const read = await readStateFile(dir);
      if (!read.ok) log.warn({ why: read.why }, 'what was remembered cannot be read: starting anew');
      return read.ok && read.value !== undefined ? parsed(read.value) : emptyNodeHistory;
    },
    save: async (history) => {
      const text = JSON.stringify(history);
      if (text === saved) return;
      const written = await writeStateFile(dir, text);
      if (written.ok) saved = text;
      else if (!isLogged) log.warn({ why: written.why }, 'what is remembered cannot be kept over a restart');
      isLogged ||= !written.ok;
    },
  };
}

function parsed(text: string): NodeHistory {
  try {
    return readNodeHistory(JSON.parse(text));
  } catch {
    return emptyNodeHistory;
  }
}
