/** door: a body freed of its Content-Encoding, as Go's transport and containerd's fetcher do before they hash it; a layer unpacked. */
import { gunzipSync, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { bad, good, type Outcome } from '#report/outcome.ts';
import { digestOf } from '#image/digest.ts';
import type { Answer } from '#registry/wire.ts';

const decoders = {
  gzip: gunzipSync,
  // Go's compress/flate: without zlib's head, whatever RFC 9110 says.
  deflate: inflateRawSync,
  zstd: zstdDecompressSync,
} as const;

export type Unpacked =
  { readonly is: 'archive'; readonly digest: string } | { readonly is: 'broken'; readonly why: string };

/**
 * The digest of the archive that a layer's bytes hold, which the image's configuration names as its diff ID. Nothing where it is
 * larger than `limit`, or in a compression that we do not undo as the runtime does.
 */
export function unpack(bytes: Uint8Array, compression: 'detected' | 'none', limit: number): Unpacked | undefined {
  const [b0, b1, b2] = bytes;
  const isGzip = compression === 'detected' && b0 === 0x1f && b1 === 0x8b && b2 === 8;
  if (!isGzip) {
    const isZstd = compression === 'detected' && b1 === 0xb5 && b2 === 0x2f;
    return isZstd ? undefined : { is: 'archive', digest: digestOf(bytes) };
  }
  try {
    return { is: 'archive', digest: digestOf(gunzipSync(bytes, { maxOutputLength: limit })) };
  } catch (error) {
    const tooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    return tooLarge ? undefined : { is: 'broken', why: 'the gzip is damaged' };
  }
}

/** More would be an attack. */
const mostLayers = 4;

export interface Decoding {
  /** Bounds the decoded bytes: a small body can unpack to a huge one. */
  readonly limit: number;
  readonly host: string;
  /** What the runtime asked for and will undo; another encoding it takes for the content (gzip: net/http by itself). */
  readonly known: 'gzip' | 'zstd_gzip_deflate';
}

export function decodeBody(answer: Answer, { limit, host, known }: Decoding): Outcome<Uint8Array> {
  const written = (answer.headers['content-encoding'] ?? []).join(',').toLowerCase();
  const encodings = written.split(/[ \t,]+/).filter((name) => name !== '' && name !== 'identity');
  if (encodings.length === 0 || !answer.whole) return good(answer.body);
  if (known === 'gzip' && written.trim() !== 'gzip') return good(answer.body);
  const malformed = (why: string): Outcome<never> => bad({ code: 'api.malformed', host, why });
  if (encodings.length > mostLayers) return malformed('too many Content-Encodings');
  let body = answer.body;
  for (const name of encodings.toReversed()) {
    if (!isKnown(name)) return malformed(`unsupported Content-Encoding algorithm: ${name.slice(0, 40)}`);
    try {
      body = decoders[name](body, { maxOutputLength: limit });
    } catch {
      return malformed(`the body is no ${name}`);
    }
  }
  return good(body);
}

/**
 * What keeps the runtime from beginning to decode a body, so that it asks the next host: an encoding that it does not know, or
 * a gzip without its head (docker/fetcher.go open since 2.0; net/http alone looks when it reads).
 */
export function undecodable(answer: Answer, known: Decoding['known']): string | undefined {
  const written = answer.headers['content-encoding']?.[0] ?? '';
  if (known === 'gzip') return undefined;
  const encodings = written
    .toLowerCase()
    .split(/[ \t,]+/)
    .filter((name) => name !== '' && name !== 'identity');
  const unknown = encodings.findLast((name) => !isKnown(name));
  const [b0, b1, b2] = answer.body;
  if (encodings.at(-1) === 'gzip' && unknown === undefined && !(b0 === 0x1f && b1 === 0x8b && b2 === 8))
    return answer.body.length === 0 ? 'EOF' : 'gzip: invalid header';
  return unknown === undefined ? undefined : `unsupported Content-Encoding algorithm: ${unknown.slice(0, 40)}`;
}

function isKnown(name: string): name is keyof typeof decoders {
  return Object.hasOwn(decoders, name);
}
