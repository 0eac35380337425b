/** door: a body freed of its Content-Encoding, as Go's transport and containerd's fetcher do before they hash it. */
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { bad, good, type Outcome } from '#pull/outcome.ts';
import { header, type Answer } from './wire.ts';

const decoders = {
  gzip: gunzipSync,
  deflate: inflateSync,
  zstd: zstdDecompressSync,
} as const;

/** `limit` bounds the decoded bytes: a small body can unpack to a huge one. */
export function decodeBody(answer: Answer, limit: number): Outcome<Uint8Array> {
  const encoding = header(answer, 'content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '' || !answer.whole) return good(answer.body);
  const decode = encoding in decoders ? decoders[encoding as keyof typeof decoders] : undefined;
  if (decode === undefined)
    return bad({
      code: 'api.malformed',
      host: '',
      why: `unsupported Content-Encoding algorithm: ${encoding.slice(0, 40)}`,
    });
  try {
    return good(decode(answer.body, { maxOutputLength: limit }));
  } catch {
    return bad({ code: 'api.malformed', host: '', why: `the body is no ${encoding}` });
  }
}
