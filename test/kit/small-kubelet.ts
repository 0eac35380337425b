/**
 * The kubelet's queue of pulls, on a clock of the test's own, and nothing else of a kubelet. kubernetes pkg/kubelet/images:
 * puller.go (serialImagePuller, parallelImagePuller), helpers.go throttledImageService; client-go util/flowcontrol/throttle.go
 * tokenBucketRateLimiter; v1.36.2.
 */
import type { KubeletConfig } from '#kubelet/config.ts';
import type { SmallPulled } from './small-puller.ts';
import type { VirtualClock } from './slow-blob.ts';

export interface Ensured {
  readonly is: SmallPulled['is'] | 'pull QPS exceeded';
  /** From when it was asked for: `(… including waiting)`, as the Event says. */
  readonly tookMs: number;
}

export interface SmallKubeletWish {
  readonly config: KubeletConfig;
  readonly clock: VirtualClock;
  readonly pull: (image: string) => Promise<SmallPulled>;
}

export class SmallKubelet {
  readonly #wish: SmallKubeletWish;
  readonly #locks: (() => void)[] = [];
  #free: number;
  #tokens: number;
  #filledMs: number;

  constructor(request: SmallKubeletWish) {
    const { serializeImagePulls, maxParallelImagePulls, registryBurst } = request.config;
    this.#wish = request;
    this.#free = serializeImagePulls ? 1 : (maxParallelImagePulls ?? Infinity);
    this.#tokens = registryBurst;
    this.#filledMs = request.clock.read();
  }

  /** One container's image, policy Always. */
  async ensure(image: string): Promise<Ensured> {
    const { clock, pull } = this.#wish;
    const askedMs = clock.read();
    await this.#turn();
    try {
      if (!this.#tryAccept()) return { is: 'pull QPS exceeded', tookMs: clock.read() - askedMs };
      const { is } = await pull(image);
      return { is, tookMs: clock.read() - askedMs };
    } finally {
      this.#free += 1;
      this.#locks.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#locks.push(resolve));
    this.#free -= 1;
  }

  #tryAccept(): boolean {
    const { config, clock } = this.#wish;
    if (config.registryPullQps === 0) return true;
    const nowMs = clock.read();
    const filled = ((nowMs - this.#filledMs) / 1000) * config.registryPullQps;
    this.#tokens = Math.min(config.registryBurst, this.#tokens + filled);
    this.#filledMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
