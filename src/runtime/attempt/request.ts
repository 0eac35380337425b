/** A request of an attempt, its reply, and why there is none: as data, for every runtime to print in its own way. */
import type { Fault } from '#report/fault.ts';
import type { Header } from '#node/view.ts';
import type { Answer } from '#registry/wire.ts';
import type { Secret } from '#report/secret.ts';
import type { Route } from '#runtime/plan.ts';
import type { Purpose } from './context.ts';

export interface Request {
  readonly method: 'HEAD' | 'GET';
  /** The route, and its index in the plan; -1 for a place that a descriptor names. */
  readonly at: Route;
  readonly route: number;
  /** `manifests/v1`, below the repository. */
  readonly object: string;
  /** Requested in place of the object: a place that a descriptor names. No credentials go there, and it has no budget. */
  readonly foreignUrl?: URL;
  readonly headers: readonly Header[];
  readonly headersOfGet?: readonly Header[];
  readonly maxBytes: number;
  /** As in registry/wire.ts: hashed as it comes, however long that takes within the image's deadline. */
  readonly hashAs?: string;
  readonly purpose: Omit<Purpose, 'route'>;
}

/** A header to present, and where its refusal is remembered. */
export interface Authorization {
  readonly value: Secret;
  readonly as: string;
  /** The login's fingerprint; absent for an anonymous token. */
  readonly login?: string;
  /** Where a refusal of this login is remembered: the registry for Basic, the realm for Bearer. */
  readonly place: string;
  readonly scheme: 'basic' | 'bearer';
}

/** What to present to a URL's host. `E`: why there is nothing, as the runtime wants to report it. */
export interface Authorizer<E> {
  readonly authorize: (host: string, route: number) => Promise<Authorized<E>>;
}
export type Authorized<E> =
  { readonly ok: true; readonly value: Authorization | undefined } | { readonly ok: false; readonly error: E };

export interface Reply {
  readonly answer: Answer;
  /** GET where a HEAD was answered 405. */
  readonly method: 'HEAD' | 'GET';
  /** The first URL, and the one that answered in the end, after redirects: in plain HTTP where it fell back to that. */
  readonly requested: URL;
  readonly url: URL;
  readonly presented?: Authorization;
}

export type Sent<E> =
  { readonly ok: true; readonly value: Reply } | { readonly ok: false; readonly error: RequestError<E> };

/** Why there is no answer, with what a runtime's own error text needs. */
export type RequestError<E> =
  | Withheld
  /** No URL: a port beyond 65535, or a name that no URL can hold. */
  | { readonly is: 'no_url'; readonly fault: Fault; readonly url: string; readonly why: string }
  /** net/http refuses to write the request, or to follow its redirect. */
  | { readonly is: 'refused_by_client'; readonly fault: Fault; readonly url: URL; readonly why: string }
  | { readonly is: 'unauthorized'; readonly error: E; readonly url: URL; readonly isRedirect: boolean }
  /** The host has answered so before, and is not asked again. */
  | {
      readonly is: 'remembered';
      readonly fault: Fault;
      readonly status: number;
      readonly url: URL;
      readonly requested: URL;
    }
  | { readonly is: 'transport'; readonly fault: Fault; readonly url: URL; readonly at: FailedAt };

/** Not sent, to protect a quota or a budget. */
export interface Withheld {
  readonly is: 'withheld';
  readonly fault: Fault;
}

/** Where a request failed: the host, and the one whose redirect led there. */
export interface FailedAt {
  readonly host: string;
  readonly redirectedBy?: string;
}
