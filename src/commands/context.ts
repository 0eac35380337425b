/** What main.ts hands to a command: the parts of the process that it may use. */
export interface ProcessContext {
  /** What the user calls the program: `drypull`, or `kubectl drypull`. */
  readonly program: string;
  /** The arguments after the command's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborted by SIGINT and SIGTERM; a second signal ends the process at once. */
  readonly signal: AbortSignal;
  /** Registers a listener for SIGHUP. */
  readonly onHangUp: (listener: () => void) => void;
  readonly version: string;
  readonly now: () => Date;
  /** A monotonic clock in milliseconds. */
  readonly clockMs: () => number;
  readonly random: () => number;
  readonly usage: ProcessUsage;
}

/** What the process costs its node. */
interface ProcessUsage {
  readonly vitals: () => { readonly cpuSeconds: number; readonly residentBytes: number; readonly startedAtS: number };
  /** Runs the garbage collector; absent unless Node runs with --expose-gc. */
  readonly collectGarbage?: () => void;
}
