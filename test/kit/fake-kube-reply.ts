/** Imitates kube-apiserver: its replies, refusals and reviews, and its failures. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KubeCall } from './fake-kube-call.ts';
import { type Json, object, text } from './fake-kube-json.ts';

export interface Reply {
  readonly code: number;
  readonly body: Json;
}

/** The user of a bearer token, and their rights: `get /metrics`. */
export interface Person {
  readonly user: string;
  readonly may: readonly string[];
}

export type Misbehaviour =
  | { readonly is: 'status'; readonly status: number; readonly body?: Json; readonly retryAfter?: string }
  | { readonly is: 'raw'; readonly status: number; readonly body: string }
  /** The real answer, later. */
  | { readonly is: 'slow'; readonly until: Promise<void> }
  | { readonly is: 'cut' };

export function send(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.code, { 'content-type': 'application/json' }).end(JSON.stringify(reply.body));
}

export function refusal(code: number, reason: string, message: string): Reply {
  const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
  return { code, body };
}

export function forbidden(call: KubeCall): Reply {
  const user = 'User "system:serviceaccount:drypull:drypull"';
  return refusal(403, 'Forbidden', `${call.resource} "${call.name}" is forbidden: ${user} cannot ${call.verb} it`);
}

/** True: the real answer follows. */
export async function misbehave(does: Misbehaviour, response: ServerResponse): Promise<boolean> {
  switch (does.is) {
    case 'slow':
      await does.until;
      return true;
    case 'cut':
      response.socket?.destroy();
      return false;
    case 'raw':
      response.writeHead(does.status).end(does.body);
      return false;
    case 'status':
      if (does.retryAfter !== undefined) response.setHeader('retry-after', does.retryAfter);
      send(
        response,
        does.body === undefined ? refusal(does.status, '', 'scripted') : { code: does.status, body: does.body },
      );
      return false;
  }
}

/** Names and notes are validated as in kube-apiserver 1.36: a generateName is a name whose last dash does not count. */
export function createdEvent(body: Json): Reply {
  const prefix = text(body, 'metadata', 'generateName');
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(prefix.replace(/-$/, 'a')))
    return refusal(422, 'Invalid', `metadata.generateName: Invalid value: "${prefix}"`);
  if (Buffer.byteLength(text(body, 'note')) > 1024) return refusal(422, 'Invalid', 'note: can have at most 1024 bytes');
  return { code: 201, body };
}

export function tokenReview(people: ReadonlyMap<string, Person>, body: Json): Json {
  const person = people.get(text(body, 'spec', 'token'));
  if (person === undefined) return { ...body, status: { user: {}, error: 'invalid bearer token' } };
  const user = { username: person.user, uid: 'u1', groups: ['system:authenticated'], extra: { scopes: ['a'] } };
  return { ...body, status: { authenticated: true, user } };
}

export function accessReview(people: ReadonlyMap<string, Person>, body: Json): Json {
  const person = [...people.values()].find(({ user }) => user === text(body, 'spec', 'user'));
  const verb = text(body, 'spec', 'nonResourceAttributes', 'verb');
  const path = text(body, 'spec', 'nonResourceAttributes', 'path');
  return { ...body, status: { allowed: person?.may.includes(`${verb} ${path}`) ?? false } };
}

export async function bodyOf(request: IncomingMessage): Promise<Json> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
  const sent = Buffer.concat(chunks).toString('utf8');
  return sent === '' ? {} : object(JSON.parse(sent));
}
