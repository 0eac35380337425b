/**
 * A registry's announcements to its users: `Warning: 299 - "text"` (OCI distribution specification v1.1, Warnings; RFC 7234
 * section 5.5). They are shown, and the agent never acts on them.
 */

/** The specification lets a registry send 4096 bytes; a report keeps less. */
const mostTexts = 4;
const longest = 240;

/** The texts of `Warning` headers with code 299, each once. The other codes are for caches. */
export function readAnnouncements(values: readonly string[]): readonly string[] {
  const texts = values.slice(0, 32).flatMap((value) => [...value.slice(0, 4096).matchAll(warning)]);
  const read = texts.map(([, text = '']) => text.replace(/\\(.)/gs, '$1').trim().slice(0, longest));
  return [...new Set(read.filter((text) => text !== ''))].slice(0, mostTexts);
}

/** warn-code SP warn-agent SP warn-text, at the start or after a comma. The specification has `-` as the agent; registries send anything. */
const warning = /(?:^|,)\s*299 [^\s",]{1,200} "((?:[^"\\]|\\.)*)"/gs;
