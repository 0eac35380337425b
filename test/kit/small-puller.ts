/**
 * A puller of the kit's own, on a clock of the test's own: what a tag leads to is fetched whole over real sockets, layers three at
 * once, and is given up as containerd's in-process engine gives it up.
 */
import type { VirtualClock } from './slow-blob.ts';

export interface SmallPull {
  /** `http://127.0.0.1:40123` */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly clock: VirtualClock;
  /** image_pull_progress_timeout; 0: it waits for ever. */
  readonly progressTimeoutMs: number;
}

export type SmallPulled =
  | { readonly is: 'pulled'; readonly tookMs: number; readonly bytes: number }
  | { readonly is: 'failed'; readonly tookMs: number; readonly message: string };

/** containerd's max_concurrent_downloads. */
const atOnce = 3;

export async function smallPull(request: SmallPull): Promise<SmallPulled> {
  const { clock, progressTimeoutMs } = request;
  const beganMs = clock.read();
  const watch = new ProgressWatch(progressTimeoutMs, beganMs);
  const life = new AbortController();
  let endedMs: number | undefined;
  const stop =
    progressTimeoutMs === 0
      ? () => undefined
      : clock.every(watch.everyMs, () => {
          if (endedMs !== undefined || !watch.isStalled(clock.read())) return;
          endedMs = clock.read();
          // Go's words for it, which the kubelet shows behind `rpc error: code = Canceled desc = …`.
          life.abort(new Error('context canceled'));
        });
  try {
    await fetchAll(request, watch, life.signal);
    return { is: 'pulled', tookMs: clock.read() - beganMs, bytes: watch.bytes };
  } catch (problem) {
    const message = problem instanceof Error ? problem.message : String(problem);
    return { is: 'failed', tookMs: (endedMs ?? clock.read()) - beganMs, message };
  } finally {
    stop();
  }
}

/** containerd pkg/cri/server/image_pull.go pullProgressReporter.start, v1.7.34; the same in v2.1.9 and v2.3.4 with use_local_image_pull. */
class ProgressWatch {
  readonly everyMs: number;
  active = 0;
  bytes = 0;
  readonly #timeoutMs: number;
  #seenBytes = 0;
  #seenMs: number;

  constructor(timeoutMs: number, nowMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#seenMs = nowMs;
    this.everyMs = timeoutMs < 10_000 ? timeoutMs / 2 : 10_000;
  }

  isStalled(nowMs: number): boolean {
    if (this.active === 0 || this.bytes > this.#seenBytes) {
      this.#seenBytes = this.bytes;
      this.#seenMs = nowMs;
      return false;
    }
    return nowMs - this.#seenMs > this.#timeoutMs;
  }
}

interface Described {
  readonly digest: string;
}

async function fetchAll(request: SmallPull, watch: ProgressWatch, signal: AbortSignal): Promise<void> {
  const get = (place: string): Promise<Buffer> => fetchWhole(request, { place, watch, signal });
  const manifest = JSON.parse((await get(`manifests/${request.tag}`)).toString()) as {
    readonly config: Described;
    readonly layers: readonly Described[];
  };
  const waiting = [manifest.config, ...manifest.layers];
  const take = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await get(`blobs/${next.digest}`);
  };
  await Promise.all(Array.from({ length: atOnce }, take));
}

interface Fetching {
  readonly place: string;
  readonly watch: ProgressWatch;
  readonly signal: AbortSignal;
}

async function fetchWhole(
  { registry, repository, clock }: SmallPull,
  { place, watch, signal }: Fetching,
): Promise<Buffer> {
  watch.active += 1;
  try {
    const answer = await fetch(`${registry}/v2/${repository}/${place}`, { signal });
    clock.read();
    if (!answer.ok) throw new Error(`${place}: ${answer.status}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
      watch.bytes += chunk.length;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    watch.active -= 1;
  }
}
