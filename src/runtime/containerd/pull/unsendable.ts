/** Requests that net/http refuses to write. */
import type { Fault } from '#report/fault.ts';
import { requestFailed } from '#runtime/containerd/error-texts.ts';
import type { Sending } from './hop.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import { trouble, type Trouble } from '#runtime/attempt/trouble.ts';

/** net/http Transport.roundTrip: a header that cannot be written stops the request (httpguts.ValidHeaderFieldName, …Value). */
export function unsendable(context: AttemptContext, { at, method }: Sending, url: URL): Trouble | undefined {
  const named = at.headers.find(([name]) => !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name));
  const valued = at.headers.find(([, value]) => hasControls(value));
  if (named === undefined && valued === undefined) return undefined;
  const why =
    named === undefined
      ? `net/http: invalid header field value for ${JSON.stringify(valued?.[0] ?? '')}`
      : `net/http: invalid header field name ${JSON.stringify(named[0])}`;
  const fault: Fault = { code: 'runtime.misconfigured', file: at.because, why };
  return trouble(fault, requestFailed({ method, url }, why, context.plan.engine));
}

function hasControls(value: string): boolean {
  return Buffer.from(value).some((byte) => (byte < 0x20 && byte !== 0x09) || byte === 0x7f);
}
