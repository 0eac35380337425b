/** A failed try: its cause for us, and its words as the runtime would go on to wrap them. */
import type { Fault } from '#report/fault.ts';
import type { Stage } from '#report/rehearsal.ts';
import type { ErrorText } from '#runtime/containerd/error-texts.ts';

export interface Trouble {
  readonly fault: Fault;
  readonly errorText: ErrorText;
  /** The host that it happened at, and the one whose redirect led there. */
  readonly at?: { readonly host: string; readonly redirectedBy?: string };
  /** The host answered with a status, though not to this very request. */
  readonly answered?: true;
  /** containerd's ErrNotFound: 404, and what is wrapped around it. */
  readonly notFound?: true;
  /** docker.ErrInvalidAuthorization: gets "pull access denied" in front. */
  readonly invalidAuthorization?: true;
}

export type Tried<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly trouble: Trouble };

export function stageOf(fault: Fault): Stage {
  const place = fault.code.slice(0, fault.code.indexOf('.'));
  switch (place) {
    case 'dns':
    case 'proxy':
    case 'tcp':
    case 'tls':
    case 'api':
    case 'auth':
    case 'manifest':
    case 'blob':
      return place;
    default:
      return 'plan';
  }
}

/** For a fault that containerd has no words of its own for. */
export function trouble(fault: Fault, text: string): Trouble {
  return { fault, errorText: { text } };
}
