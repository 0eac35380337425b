/**
 * Asks a container runtime what the kubelet asks it: the CRI's gRPC over its socket, with just enough protobuf for that.
 * https://github.com/kubernetes/cri-api pkg/apis/runtime/v1/api.proto
 */
import { connect as connectHttp2, constants, type IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';

export interface PullWish {
  readonly image: string;
  readonly username?: string;
  readonly password?: string;
}

export type Pulled =
  | { readonly is: 'pulled'; readonly imageRef: string }
  /** The gRPC code's number, and the words that the kubelet shows. */
  | { readonly is: 'failed'; readonly code: number; readonly message: string };

/** runtime.v1.ImageService/PullImage, as the kubelet calls it for one credential or none. */
export async function criPull(socket: string, request: PullWish): Promise<Pulled> {
  const spec = field(1, Buffer.from(request.image));
  const auth = Buffer.concat([
    field(1, Buffer.from(request.username ?? '')),
    field(2, Buffer.from(request.password ?? '')),
  ]);
  const withAuth = request.username === undefined ? Buffer.of() : field(2, auth);
  const reply = await call(socket, '/runtime.v1.ImageService/PullImage', Buffer.concat([field(1, spec), withAuth]));
  if (reply.code !== 0) return { is: 'failed', code: reply.code, message: reply.message };
  return { is: 'pulled', imageRef: reply.body.subarray(2).toString() };
}

/** As the kubelet hears it, which makes node.status.nodeInfo of it: `containerd://1.6.20~ds1`. */
export async function criVersion(socket: string): Promise<string> {
  const { body } = await call(socket, '/runtime.v1.RuntimeService/Version', Buffer.of());
  const [, name = '', version = ''] = strings(body);
  return `${name}://${version}`;
}

const codes = [
  ...['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists'],
  ...['PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented'],
  ...['Internal', 'Unavailable', 'DataLoss', 'Unauthenticated'],
];

/** The error as the kubelet goes on to show it: Unknown alone is stripped (cri-client remote_image.go pullImageV1). */
export function kubeletText({ code, message }: { readonly code: number; readonly message: string }): string {
  const name = codes[code] ?? `Code(${code})`;
  return name === 'Unknown' ? message : `rpc error: code = ${name} desc = ${message}`;
}

/** Whether the runtime's image service answers. */
export async function criAnswers(socket: string): Promise<boolean> {
  return call(socket, '/runtime.v1.ImageService/ListImages', Buffer.of()).then(
    ({ code }) => code === 0,
    () => false,
  );
}

interface Reply {
  readonly code: number;
  readonly message: string;
  readonly body: Buffer;
}

async function call(socket: string, path: string, message: Buffer): Promise<Reply> {
  const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
  try {
    return await new Promise<Reply>((resolve, reject) => {
      session.on('error', reject);
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: path,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const headers: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      stream.on('response', (got) => void Object.assign(headers, got));
      stream.on('trailers', (got) => void Object.assign(headers, got));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => {
        const text = decodeURIComponent(String(headers['grpc-message'] ?? ''));
        const body = Buffer.concat(chunks).subarray(5);
        resolve({ code: Number(headers['grpc-status'] ?? 2), message: text, body });
      });
      stream.end(Buffer.concat([Buffer.of(0), length32(message.length), message]));
    });
  } finally {
    session.close();
  }
}

function length32(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

/** A length-delimited protobuf field. */
function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of((number << 3) | 2), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.of(...bytes, rest);
}

/** The values of a message of short strings, in order. */
function strings(message: Buffer): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at + 1 < message.length;) {
    const end = at + 2 + message.readUInt8(at + 1);
    found[(message.readUInt8(at) >> 3) - 1] = message.toString('utf8', at + 2, end);
    at = end;
  }
  return found;
}
