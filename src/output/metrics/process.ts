/** What any process of ours tells Prometheus of itself. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** This process as the operating system sees it; main.ts alone can ask. */
export interface Vitals {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly startedAtS: number;
}

/** One gauge without labels whose value is read at each scrape; undefined: it has none yet. */
export function addReading(
  registry: Registry,
  name: string,
  reading: { help: string; read: () => number | undefined },
): void {
  registry.registerMetric(
    new Gauge({
      name,
      help: reading.help,
      labelNames: [],
      registers: [],
      collect() {
        const value = reading.read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    }),
  );
}

export function addProcess(
  registry: Registry,
  { vitals, version }: { readonly vitals: () => Vitals; readonly version: string },
): void {
  const build = new Gauge({
    name: 'drypull_build_info',
    help: 'Always 1: the version of this agent.',
    labelNames: ['version'],
    registers: [registry],
  });
  build.set({ version }, 1);
  addReading(registry, 'process_resident_memory_bytes', {
    help: 'Resident memory size in bytes.',
    read: () => vitals().residentBytes,
  });
  addReading(registry, 'process_start_time_seconds', {
    help: 'Start time of the process since the epoch in seconds.',
    read: () => vitals().startedAtS,
  });
  registry.registerMetric(
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Total user and system CPU time spent in seconds.',
      registers: [],
      collect() {
        this.reset();
        this.inc(vitals().cpuSeconds);
      },
    }),
  );
}
