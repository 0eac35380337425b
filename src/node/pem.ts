/** PEM blocks in a text (RFC 7468, as Go's encoding/pem finds them). It must not know whose they are. */

export interface PemBlock {
  readonly type: string;
  readonly pem: string;
  /** The base64 without white space: equal for equal content. */
  readonly body: string;
}

/** Line by line, so that no text takes long: a new BEGIN gives up a block that has not ended. */
export function pemBlocks(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  let type: string | undefined;
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    const mark = line.startsWith('-----') ? /^-----(BEGIN|END) ([A-Z0-9 ]+)-----\s*$/.exec(line) : null;
    if (mark === null) {
      if (type !== undefined) lines.push(line.trim());
      continue;
    }
    const [, kind, name = ''] = mark;
    if (kind === 'END' && name === type) {
      const body = lines.join('');
      if (body.includes(':') || /^[A-Za-z0-9+/]+={0,2}$/.test(body)) {
        blocks.push({ type, body, pem: `-----BEGIN ${type}-----\n${lines.join('\n')}\n-----END ${type}-----` });
      }
    }
    type = kind === 'BEGIN' ? name : undefined;
    lines = [];
  }
  return blocks;
}

/** CERTIFICATE blocks without headers, which is what AppendCertsFromPEM takes. */
export function certificatesIn(text: string): readonly string[] {
  return pemBlocks(text).flatMap(({ type, pem, body }) => (type === 'CERTIFICATE' && !body.includes(':') ? [pem] : []));
}
