/** Undoes a body's Content-Encoding, as Go's transport and containerd's fetcher do before they hash it, and a layer's compression. */
import { gunzipSync, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { codeOf } from '#data/error-code.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';
import { digestOf } from '#image/digest.ts';
import type { Answer } from '#registry/wire.ts';

const decoders = {
  gzip: gunzipSync,
  // Go's compress/flate: without the zlib header, unlike RFC 9110.
  deflate: inflateRawSync,
  zstd: zstdDecompressSync,
} as const;

export type Unpacked =
  { readonly is: 'archive'; readonly digest: string } | { readonly is: 'broken'; readonly why: string };

/**
 * The digest of a layer's uncompressed archive, which the image's configuration lists as its diff ID. undefined where the archive
 * is larger than `limit`, or where its compression is not undone here as the runtime undoes it.
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
    return codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? undefined : { is: 'broken', why: 'the gzip is damaged' };
  }
}

/** No honest server sends more. */
const mostLayers = 4;

export interface Decoding {
  /** Bounds the decoded bytes: a small body can decode to a huge one. */
  readonly limit: number;
  readonly host: string;
  /** The encodings that the runtime requests and undoes; it takes any other for the content (gzip: net/http does it by itself). */
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
 * Why the runtime cannot start to decode a body, so that it tries the next host: an unknown encoding, or a gzip body without a gzip
 * header (docker/fetcher.go open since 2.0; net/http alone checks when it reads).
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
