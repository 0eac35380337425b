/** Imitates the storage of kube-apiserver: workloads, ConfigMaps, ServiceAccounts, with the preconditions of writes. */
import type { KubeCall } from './fake-kube-call.ts';
import { type Json, object, text } from './fake-kube-json.ts';
import { type Reply, refusal } from './fake-kube-reply.ts';

/** A change of an object, for watches. */
export type Happened = (kind: string, type: 'ADDED' | 'MODIFIED' | 'DELETED', what: Json) => void;

/** `apps/deployments`. */
export function kindKey({ group, resource }: Pick<KubeCall, 'group' | 'resource'>): string {
  return `${group === '' ? 'core' : group}/${resource}`;
}

/** By namespace, and by the one kind of selector that is used: equal labels. */
export function selects(what: Json, call: KubeCall, query: URLSearchParams): boolean {
  if (call.namespace !== '' && text(what, 'metadata', 'namespace') !== call.namespace) return false;
  const wanted = (query.get('labelSelector') ?? '').split(',').filter(Boolean);
  return wanted.every((pair) => {
    const [key = '', value] = pair.split('=');
    return text(what, 'metadata', 'labels', key) === value;
  });
}

export class Shelf {
  readonly #objects = new Map<string, Map<string, Json>>();
  readonly #happened: Happened;
  readonly #version: () => number;
  #uids = 0;

  /** `version`: of the next change. */
  constructor(happened: Happened, version: () => number) {
    this.#happened = happened;
    this.#version = version;
  }

  all(kind: string): readonly Json[] {
    return [...(this.#objects.get(kind)?.values() ?? [])];
  }

  /** A write by another client, without preconditions. */
  put(kind: string, what: Json): Json {
    const id = idOf(what);
    const before = this.#of(kind).get(id);
    const metadata = object(what['metadata']);
    const uid = text(what, 'metadata', 'uid') || text(before, 'metadata', 'uid') || `uid-${(this.#uids += 1)}`;
    const now = { ...what, metadata: { ...metadata, uid, resourceVersion: String(this.#version()) } };
    this.#of(kind).set(id, now);
    this.#happened(kind, before === undefined ? 'ADDED' : 'MODIFIED', now);
    return now;
  }

  remove(kind: string, id: string): void {
    const before = this.#of(kind).get(id);
    if (before === undefined) return;
    this.#of(kind).delete(id);
    const metadata = { ...object(before['metadata']), resourceVersion: String(this.#version()) };
    this.#happened(kind, 'DELETED', { ...before, metadata });
  }

  serve(call: KubeCall, body: Json): Reply {
    const kind = kindKey(call);
    const id = `${call.namespace}/${call.name}`;
    const standing = this.#of(kind).get(id);
    const missing = refusal(404, 'NotFound', `${call.resource} "${call.name}" not found`);
    switch (call.verb) {
      case 'get':
        return standing === undefined ? missing : { code: 200, body: standing };
      case 'create': {
        const what = { ...body, metadata: { ...object(body['metadata']), namespace: call.namespace } };
        if (this.#of(kind).has(idOf(what))) return refusal(409, 'AlreadyExists', 'it exists already');
        if (isTooLarge(what)) return refusal(422, 'Invalid', 'Too long: must have at most 1048576 bytes');
        return { code: 201, body: this.put(kind, what) };
      }
      case 'update': {
        if (standing === undefined) return missing;
        if (!meets(standing, text(body, 'metadata', 'resourceVersion'))) return conflict();
        const what = { ...body, metadata: { ...object(body['metadata']), namespace: call.namespace } };
        return { code: 200, body: this.put(kind, what) };
      }
      case 'delete': {
        if (standing === undefined) return missing;
        if (!meets(standing, text(body, 'preconditions', 'resourceVersion'))) return conflict();
        this.remove(kind, id);
        return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } };
      }
      default:
        return refusal(405, 'MethodNotAllowed', 'not served here');
    }
  }

  #of(kind: string): Map<string, Json> {
    const known = this.#objects.get(kind) ?? new Map<string, Json>();
    this.#objects.set(kind, known);
    return known;
  }
}

/** pkg/apis/core/validation ValidateConfigMap: data and binaryData together, decoded. */
function isTooLarge(what: Json): boolean {
  const sizes = ['data', 'binaryData'].flatMap((field) =>
    Object.values(object(what[field] ?? {})).map((value) => String(value).length * (field === 'data' ? 1 : 0.75)),
  );
  return sizes.reduce((sum, size) => sum + size, 0) > 1024 * 1024;
}

function meets(standing: Json, version: string): boolean {
  return version === '' || version === text(standing, 'metadata', 'resourceVersion');
}

function conflict(): Reply {
  return refusal(409, 'Conflict', 'the object has been modified; please apply your changes to the latest version');
}

function idOf(what: Json): string {
  return `${text(what, 'metadata', 'namespace')}/${text(what, 'metadata', 'name')}`;
}
