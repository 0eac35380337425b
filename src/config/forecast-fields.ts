/** The rows of the configuration about foresight alone: no verdict needs what they switch. */
import { field } from './field.ts';
import { absolutePath, oneOf, orNull } from './values.ts';

const same = (value: unknown): unknown => value;

export const forecastFields = {
  quotaSamples: field<'auto' | 'off'>({
    env: 'DRYPULL_QUOTA_SAMPLES',
    fallback: 'auto',
    read: oneOf(['auto', 'off']),
    write: same,
    help: "Whether Docker Hub's quota is looked at beside the rehearsals, by a HEAD that costs no pull. auto: where images of docker.io are pulled from Docker Hub itself and no rehearsal has shown what is left.",
  }),
  stateDir: field<string | null>({
    env: 'DRYPULL_STATE_DIR',
    fallback: null,
    read: orNull(absolutePath),
    write: same,
    help: 'A writable directory: what is remembered for forecasts outlives a restart there. No verdict needs it.',
  }),
} as const;
