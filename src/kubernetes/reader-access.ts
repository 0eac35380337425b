/**
 * Authenticates and authorizes readers of the open listener at the API server, as controller-runtime's metrics server does
 * (sigs.k8s.io/controller-runtime pkg/metrics/filters WithAuthenticationAndAuthorization): TokenReview identifies the user,
 * SubjectAccessReview decides whether that user may get the path. Answers are kept briefly, refusals more briefly, and unknown
 * clients cannot make the agent flood the API server.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Fault } from '#report/fault.ts';
import { type Answer, type Call, faultOf, objectBounds } from '#kubernetes/api/call.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { at, fieldsOf, textAt } from '#kubernetes/api/json.ts';

type Admission =
  | { readonly is: 'admitted'; readonly user: string }
  /** No token, or an unknown one: 401. */
  | { readonly is: 'unauthenticated' }
  | { readonly is: 'forbidden'; readonly user: string }
  /** The API server did not answer: 503, and no one is admitted. */
  | { readonly is: 'unavailable'; readonly fault: Fault };

export interface ReaderAccess {
  /** `authorization`: the header's value as received. */
  admit(authorization: string | undefined, path: string): Promise<Admission>;
}

/** controller-runtime keeps an authentication for one minute, a refused authorization for 30 s. */
const keptMs: { readonly [A in Admission['is']]: number } = {
  admitted: 60_000,
  unauthenticated: 10_000,
  forbidden: 30_000,
  unavailable: 1000,
};
const mostKept = 500;
/** ServiceAccount tokens are about 1 KiB, OIDC ones with many groups a few. */
const mostTokenBytes = 16 * 1024;
/** Requests to the API server: a burst, then one a second. */
const burst = 20;

interface Kept {
  readonly admission: Promise<Admission>;
  untilMs: number;
}

export function readerAccess(cluster: Cluster, clock: { readonly now: () => Date }): ReaderAccess {
  /** By digest: the tokens themselves are not kept. */
  const kept = new LRUCache<string, Kept>({ max: mostKept });
  let tokens = burst;
  let countedMs = clock.now().getTime();

  const mayAsk = (nowMs: number): boolean => {
    tokens = Math.min(burst, tokens + (nowMs - countedMs) / 1000);
    countedMs = nowMs;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };

  return {
    admit: async (authorization, path) => {
      const token = tokenOf(authorization);
      if (token === undefined) return { is: 'unauthenticated' };
      const key = createHash('sha256').update(`${path}\n${token}`).digest('base64');
      const nowMs = clock.now().getTime();
      const known = kept.get(key);
      if (known !== undefined && nowMs < known.untilMs) return await known.admission;
      if (!mayAsk(nowMs)) return unavailable('too many unknown clients at once');
      const entry: Kept = { admission: review(cluster, token, path), untilMs: nowMs + keptMs.admitted };
      kept.set(key, entry);
      const admission = await entry.admission;
      entry.untilMs = nowMs + keptMs[admission.is];
      return admission;
    },
  };
}

function tokenOf(authorization: string | undefined): string | undefined {
  const token = /^Bearer +([\w.~+/=-]+) *$/i.exec((authorization ?? '').slice(0, mostTokenBytes + 16))?.[1];
  return token === undefined || token.length > mostTokenBytes ? undefined : token;
}

async function review(cluster: Cluster, token: string, path: string): Promise<Admission> {
  const known = await create(cluster, 'authentication.k8s.io', 'tokenreviews', {
    kind: 'TokenReview',
    spec: { token },
  });
  if (known.is !== 'answered') return { is: 'unavailable', fault: faultOf('create a TokenReview', known).fault };
  const user = textAt(known.body, 'status', 'user', 'username');
  if (at(known.body, 'status', 'authenticated') !== true || user === '') return { is: 'unauthenticated' };
  const { uid, groups, extra } = fieldsOf(at(known.body, 'status', 'user')) ?? {};
  const nonResourceAttributes = { path, verb: 'get' };
  const allowed = await create(cluster, 'authorization.k8s.io', 'subjectaccessreviews', {
    kind: 'SubjectAccessReview',
    spec: { user, uid, groups, extra, nonResourceAttributes },
  });
  if (allowed.is !== 'answered')
    return { is: 'unavailable', fault: faultOf('create a SubjectAccessReview', allowed).fault };
  return { is: at(allowed.body, 'status', 'allowed') === true ? 'admitted' : 'forbidden', user };
}

async function create(cluster: Cluster, group: string, resource: string, body: object): Promise<Answer> {
  const call: Call = {
    method: 'POST',
    path: `/apis/${group}/v1/${resource}`,
    body: { apiVersion: `${group}/v1`, ...body },
    ...objectBounds,
  };
  return await cluster.ask(call);
}

function unavailable(why: string): Admission {
  return { is: 'unavailable', fault: { code: 'agent.cannot_see', what: 'who asks', why } };
}
