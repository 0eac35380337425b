/**
 * WWW-Authenticate as the runtime understands it.
 *
 * Imitates containerd v2.1.9 core/remotes/docker/auth/parse.go (ParseAuthHeader, parseValueAndParams, expectTokenOrQuoted), the
 * same from 1.6.20 to 2.3.4: one challenge per header line, whatever stands behind its parameters is lost, and a parameter that
 * cannot be read ends the line without spoiling what came before.
 */

export interface Challenge {
  readonly scheme: 'bearer' | 'digest' | 'basic';
  /** Lower-cased name → value; of equal names the last. */
  readonly parameters: ReadonlyMap<string, string>;
}

const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]*/y;
const space = /[ \t\r\n]*/y;
/** To the first quote that no backslash hides. */
const quoted = /"[^"\\]*(?:\\[^][^"\\]*)*"/y;

/** The known schemes' challenges, one per header line, bearer before digest before basic. */
export function readChallenges(headers: readonly string[]): readonly Challenge[] {
  const challenges = headers.map(readLine).filter((challenge) => challenge !== undefined);
  return challenges.toSorted((one, other) => rank(one.scheme) - rank(other.scheme));
}

/**
 * Every scheme that a server named, lower-cased, in order: also second challenges of a line, and those that the runtime does not
 * know. Evidence for people, by RFC 9110 §11.6.1, not imitation.
 */
export function schemesNamed(headers: readonly string[]): readonly string[] {
  const named = headers.flatMap((header) => {
    const unquoted = header.replace(/"[^"\\]*(?:\\[^][^"\\]*)*"/g, '""');
    return unquoted.split(',').flatMap((element) => {
      const scheme = /^\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?=\s*$|\s+[^\s=])/.exec(element)?.[1];
      return scheme === undefined ? [] : [scheme.toLowerCase()];
    });
  });
  return [...new Set(named)];
}

function rank(scheme: Challenge['scheme']): number {
  return ['bearer', 'digest', 'basic'].indexOf(scheme);
}

function readLine(header: string): Challenge | undefined {
  const line = new Line(header);
  const scheme = line.take(token).toLowerCase();
  if (scheme !== 'bearer' && scheme !== 'digest' && scheme !== 'basic') return undefined;
  const parameters = new Map<string, string>();
  do {
    line.take(space);
    const name = line.take(token).toLowerCase();
    if (name === '' || !line.skip('=')) break;
    parameters.set(name, line.takeValue());
    line.take(space);
  } while (line.skip(','));
  return { scheme, parameters };
}

/** A header line and how far it is read. */
class Line {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const taken = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += taken.length;
    return taken;
  }

  skip(char: string): boolean {
    const found = this.#text.startsWith(char, this.#at);
    if (found) this.#at += char.length;
    return found;
  }

  /** A token, or a quoted text; one that is never closed is empty and swallows the rest of the line. */
  takeValue(): string {
    if (!this.#text.startsWith('"', this.#at)) return this.take(token);
    const text = this.take(quoted);
    if (text === '') this.#at = this.#text.length;
    return text.slice(1, -1).replace(/\\([^])/g, '$1');
  }
}
