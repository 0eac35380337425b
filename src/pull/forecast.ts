/** Foresight: what is not wrong yet. A rule reads what was seen and says what will be. */
import type { FaultCode } from './fault.ts';

export interface Forecast {
  readonly rule: string;
  /** The fault that the kubelet would meet. */
  readonly fault: FaultCode;
  readonly likelihood: 'certain' | 'likely' | 'possible';
  /** Seconds until it would happen; absent where the time cannot be told. */
  readonly withinS?: number;
  /** One sentence of facts. */
  readonly because: string;
  readonly remedy: string;
}
