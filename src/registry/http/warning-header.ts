/**
 * What a registry announces to whoever pulls: `Warning: 299 - "text"` (OCI distribution specification v1.1, Warnings; RFC 7234
 * section 5.5). To be shown to people; never to be acted upon.
 */

/** The specification lets a registry send 4096 bytes; a report keeps less. */
const mostTexts = 4;
const longest = 240;

/** The texts of `Warning` headers with code 299, each once. Other codes are the caches' own and say nothing to users. */
export function readAnnouncements(values: readonly string[]): readonly string[] {
  const texts = values.slice(0, 32).flatMap((value) => [...value.slice(0, 4096).matchAll(warning)]);
  const read = texts.map(([, text = '']) => text.replace(/\\(.)/gs, '$1').trim().slice(0, longest));
  return [...new Set(read.filter((text) => text !== ''))].slice(0, mostTexts);
}

/** warn-code SP warn-agent SP warn-text, at the start or after a comma; the agent is `-` by the specification, and anything in the field. */
const warning = /(?:^|,)\s*299 [^\s",]{1,200} "((?:[^"\\]|\\.)*)"/gs;
