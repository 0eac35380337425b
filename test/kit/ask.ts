/** One plain HTTP request and its whole answer, for tests that ask the kit's own servers. */
import { Agent, request } from 'undici';

export interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export type Asked = Parameters<typeof request>[1] & { readonly tls?: TlsWish };

interface TlsWish {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

/** On a connection of its own; rejects as undici does. */
export async function ask(url: string, { tls, ...options }: Asked = {}): Promise<Got> {
  const dispatcher = new Agent({ maxHeaderSize: 4096, ...(tls ? { connect: { ...tls } } : {}) });
  try {
    const { statusCode, headers, body } = await request(url, { dispatcher, ...options });
    return { status: statusCode, headers, body: Buffer.from(await body.arrayBuffer()) };
  } finally {
    await dispatcher.destroy();
  }
}
