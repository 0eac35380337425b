/**
 * The one logger: JSON lines, one a fact. The stairs get it as a `Log` and pass static messages with facts as fields. Secrets
 * print as [secret] by themselves; redaction here is the second belt, by field name and by the look of the finished line.
 */
import type { DestinationStream } from 'pino';
import { pino, stdTimeFunctions } from 'pino';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogFacts = Readonly<Record<string, unknown>>;

export interface Log {
  readonly debug: (facts: LogFacts, message: string) => void;
  readonly info: (facts: LogFacts, message: string) => void;
  readonly warn: (facts: LogFacts, message: string) => void;
  readonly error: (facts: LogFacts, message: string) => void;
  /** From now on. */
  readonly setLevel: (level: LogLevel) => void;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly node: string;
  /** Where the lines go; standard output when absent. */
  readonly to?: DestinationStream;
}

const names = ['password', 'passwd', 'secret', 'token', 'authorization', 'auth', 'identityToken', 'cookie', 'key'];
const paths = names.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `*.*.*.${name}`]);

export function openLog({ level, node, to }: LogOptions): Log {
  const options = {
    level,
    base: { node },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths, censor: '[secret]' },
    // An error's own fields (request options, headers) may hold what must not be seen: only name, message and stack are kept.
    serializers: { error: plainError, err: plainError },
    hooks: { streamWrite: censor },
  };
  const logger = to === undefined ? pino(options) : pino(options, to);
  return {
    debug: (facts, message) => logger.debug(facts, message),
    info: (facts, message) => logger.info(facts, message),
    warn: (facts, message) => logger.warn(facts, message),
    error: (facts, message) => logger.error(facts, message),
    setLevel: (next) => {
      logger.level = next;
    },
  };
}

/** A finished JSON line without credentials in headers and URLs. What is put in has no quote, so the line stays JSON. */
function censor(line: string): string {
  return line
    .replace(/\b(Bearer|Basic)\s+[A-Za-z0-9+/=._~-]{6,}/gi, '$1 [secret]')
    .replace(/(:\/\/)[^/\s"\\@?#]{1,512}@/g, '$1[secret]@')
    .replace(
      /([?&](?:token|sig|signature|access_token|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token)=)[^&\s"\\]+/gi,
      '$1[secret]',
    );
}

function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return { name: error.name, message: error.message, stack: error.stack };
}
