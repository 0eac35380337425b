/** `drypull check --nodes` in this process: what it says on both streams, and its exit status. */
import { type Dependencies, checkNodes } from '#check/check-nodes.ts';
import { readCommandLine } from '#commands/command-line.ts';

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Around {
  readonly kubeconfig: string;
  /** What `-f -` reads. */
  readonly stream?: string;
  readonly pause?: Dependencies['pause'];
  readonly signal?: AbortSignal;
  readonly env?: Dependencies['env'];
}

export async function runCheckNodes(text: readonly string[], around: Around): Promise<Ran> {
  const wanted = readCommandLine(['check', ...text, '--kubeconfig', around.kubeconfig], '0');
  if (wanted.run === 'nothing') return wanted;
  if (wanted.run !== 'check nodes') throw new Error(`this is ${wanted.run}`);
  const answered = { stdout: '', stderr: '' };
  const status = await checkNodes(wanted.request, {
    stdout: { colour: false, write: (text) => (answered.stdout += text) },
    stderr: { colour: false, write: (text) => (answered.stderr += text) },
    read: () => Promise.resolve({ ok: true, text: around.stream ?? '' }),
    now: () => new Date(),
    elapsedMs: () => performance.now(),
    ticking: () => () => undefined,
    signal: around.signal ?? new AbortController().signal,
    env: around.env ?? {},
    pause: around.pause ?? (() => Promise.resolve()),
  });
  return { status, ...answered };
}
