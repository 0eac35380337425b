/** The row of the configuration that says how the speed of registries is looked at. */
import { field } from './field.ts';
import { read, size, sizeText } from './values.ts';

export const throughputFields = {
  /**
   * What comes with the first flight of a connection shows no speed, so below 32 KiB nothing would be learned. 64 KiB four times
   * a day is a quarter of a MiB a node, day and registry: less than the samples that show that layers are there at all.
   */
  throughputSampleBytes: field<number>({
    env: 'DRYPULL_THROUGHPUT_SAMPLE_BYTES',
    fallback: '64KiB',
    read: (raw) => (raw === '0' || raw === 0 ? read(0) : size(32 * 1024, 1024 ** 2)(raw)),
    write: (value) => (value === 0 ? 0 : sizeText(value)),
    help: 'Read of one layer of each registry, every six hours, to tell how long pulls would take; 0: never.',
  }),
} as const;
