/** PEM blocks in a text (RFC 7468, as Go's encoding/pem finds them). It must not know whose they are. */

export interface PemBlock {
  readonly type: string;
  readonly pem: string;
  /** The base64 without white space: equal for equal content. */
  readonly body: string;
}

export function pemBlocks(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  const begin = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?$/gm;
  for (let head = begin.exec(text); head !== null; head = begin.exec(text)) {
    const type = head[1] ?? '';
    const foot = `-----END ${type}-----`;
    const end = text.indexOf(foot, begin.lastIndex);
    if (end === -1) continue;
    const inside = text.slice(begin.lastIndex, end);
    // An END line of another type: this block is broken, the next one may not be.
    if (inside.includes('-----BEGIN')) continue;
    const body = inside.replaceAll(/\s+/g, '');
    const hasHeaders = inside.includes(':');
    if (hasHeaders || /^[A-Za-z0-9+/]+={0,2}$/.test(body)) {
      blocks.push({ type, pem: text.slice(head.index, end + foot.length), body });
    }
    begin.lastIndex = end + foot.length;
  }
  return blocks;
}

/** CERTIFICATE blocks without headers, which is what AppendCertsFromPEM takes. */
export function certificatesIn(text: string): readonly string[] {
  return pemBlocks(text).flatMap(({ type, pem, body }) => (type === 'CERTIFICATE' && !body.includes(':') ? [pem] : []));
}
