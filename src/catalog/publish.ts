/**
 * Publishes the catalog as ConfigMaps of one namespace: chunks that are named after their content and never change, and one
 * index that names them. Chunks first, then the index with the version that was read as its precondition, then what no index
 * names any more goes: whoever reads sees one generation or the next, never a mixture, and of two writers one is refused.
 */
import type { Fault } from '#report/fault.ts';
import { type Outcome, bad, good } from '#report/outcome.ts';
import { type Call, MiB, faultOf, objectBounds } from '#kubernetes/api/call.ts';
import { type Chunk, chunkPrefix, chunksOf, unpacked } from './chunks.ts';
import type { Entry } from './text.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import type { ListWatchOptions } from '#kubernetes/api/list-watch.ts';
import { at, listAt, textAt } from '#kubernetes/api/json.ts';

export const indexName = 'drypull-catalog';
export const catalogLabels = { 'app.kubernetes.io/name': 'drypull-catalog' } as const;
export const catalogSelector = 'app.kubernetes.io/name=drypull-catalog';

export interface Published {
  /** False: it said so already. */
  readonly wrote: boolean;
  readonly generation: number;
  readonly chunks: number;
  /** Of all chunks, as they are stored. */
  readonly bytes: number;
}

export interface CatalogWriter {
  /** Makes the ConfigMaps say this. One call at a time. */
  publish(entries: readonly Entry[]): Promise<Outcome<Published>>;
  /** Looks at them anew before the next writing: somebody may have deleted one. */
  forget(): void;
}

export interface Index {
  readonly generation: number;
  readonly chunks: readonly string[];
}

/** Undefined where it is not an index. */
export function readIndex(configMap: unknown): Index | undefined {
  const generation = Number(textAt(configMap, 'data', 'generation'));
  if (textAt(configMap, 'metadata', 'name') !== indexName || !Number.isSafeInteger(generation)) return undefined;
  return { generation, chunks: textAt(configMap, 'data', 'chunks').split(/\s+/).filter(Boolean) };
}

export function readChunk(configMap: unknown): { readonly name: string; readonly data: Uint8Array } | undefined {
  const name = textAt(configMap, 'metadata', 'name');
  if (!name.startsWith(chunkPrefix)) return undefined;
  return { name, data: Buffer.from(textAt(configMap, 'binaryData', 'lines.gz'), 'base64') };
}

interface Stored {
  readonly uid: string;
  readonly version: string;
  readonly bytes: number;
  /** Its content is not what its name says. */
  readonly isBroken: boolean;
}

interface Standing {
  index: (Index & { readonly version: string }) | undefined;
  readonly chunks: Map<string, Stored>;
}

const tries = 5;
const conflictMs = 500;
const listBounds = { deadlineMs: 60_000, maxBytes: 256 * MiB } as const;

export function catalogWriter(cluster: Cluster, namespace: string, dependencies: ListWatchOptions): CatalogWriter {
  return new Writer(cluster, namespace, dependencies);
}

type Ending = 'done' | 'conflict' | Fault;

class Writer implements CatalogWriter {
  readonly #cluster: Cluster;
  readonly #path: string;
  readonly #dependencies: ListWatchOptions;
  readonly #never = new AbortController().signal;
  /** What is there, as far as it was seen or written. */
  #standing: Standing | undefined;

  constructor(cluster: Cluster, namespace: string, dependencies: ListWatchOptions) {
    this.#cluster = cluster;
    this.#path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`;
    this.#dependencies = dependencies;
  }

  forget(): void {
    this.#standing = undefined;
  }

  async publish(entries: readonly Entry[]): Promise<Outcome<Published>> {
    for (let tried = 0; tried < tries; tried += 1) {
      if (this.#standing === undefined) {
        const listed = await this.#list();
        if (!listed.ok) return listed;
        this.#standing = listed.value;
      }
      const standing = this.#standing;
      const { index } = standing;
      const isKnown = (name: string): boolean => standing.chunks.get(name)?.isBroken === false;
      const chunks = chunksOf(entries, { count: index?.chunks.length ?? 1, isKnown });
      const ending = isPublished(standing, chunks) ? 'done' : await this.#write(standing, chunks);
      if (ending === 'done') return good(publishedOf(standing, index));
      this.#standing = undefined;
      if (ending !== 'conflict') return bad(ending);
      await this.#dependencies.delay(conflictMs * (0.5 + this.#dependencies.random()), this.#never);
    }
    return bad({ code: 'agent.cannot_see', what: 'write the catalog', why: `${tries} conflicts in a row` });
  }

  async #list(): Promise<Outcome<Standing>> {
    const query = { labelSelector: catalogSelector };
    const answer = await this.#cluster.ask({ method: 'GET', path: this.#path, query, ...listBounds });
    if (answer.is !== 'answered') return faultOf('list the ConfigMaps of the catalog', answer);
    const standing: Standing = { index: undefined, chunks: new Map() };
    for (const item of listAt(answer.body, 'items')) {
      const [index, chunk, version] = [readIndex(item), readChunk(item), textAt(item, 'metadata', 'resourceVersion')];
      if (index !== undefined) standing.index = { ...index, version };
      if (chunk === undefined) continue;
      const { name, data } = chunk;
      const isBroken = unpacked(name, data) === undefined;
      const uid = textAt(item, 'metadata', 'uid');
      standing.chunks.set(name, { uid, version, bytes: data.length, isBroken });
    }
    return good(standing);
  }

  async #write(standing: Standing, chunks: readonly Chunk[]): Promise<Ending> {
    for (const chunk of chunks) {
      const stored = standing.chunks.get(chunk.name);
      if (stored?.isBroken === true) await this.#delete(standing, chunk.name, stored);
      if (stored === undefined || stored.isBroken) {
        const ending = await this.#create(standing, chunk);
        if (ending !== 'done') return ending;
      }
    }
    const ending = await this.#point(standing, chunks.map(({ name }) => name).toSorted());
    if (ending !== 'done') return ending;
    // What cannot be deleted now is found by the next list.
    const named = new Set(standing.index?.chunks);
    for (const [name, stored] of standing.chunks) if (!named.has(name)) await this.#delete(standing, name, stored);
    return 'done';
  }

  async #create(standing: Standing, { name, data = new Uint8Array() }: Chunk): Promise<Ending> {
    const binaryData = { 'lines.gz': Buffer.from(data).toString('base64') };
    const body = { ...named(name), immutable: true, binaryData };
    const answer = await this.#ask({ method: 'POST', path: this.#path, body });
    if (answer.is === 'failed') return answer.ending;
    standing.chunks.set(name, { ...answer.made, bytes: data.length, isBroken: false });
    return 'done';
  }

  /** The moment at which a new generation is the one that counts. */
  async #point(standing: Standing, names: readonly string[]): Promise<Ending> {
    const { index } = standing;
    const generation = (index?.generation ?? 0) + 1;
    const data = { generation: String(generation), chunks: names.join('\n') };
    const { metadata, ...kind } = named(indexName);
    const answer =
      index === undefined
        ? await this.#ask({ method: 'POST', path: this.#path, body: { ...kind, metadata, data } })
        : await this.#ask({
            method: 'PUT',
            path: `${this.#path}/${indexName}`,
            body: { ...kind, metadata: { ...metadata, resourceVersion: index.version }, data },
          });
    if (answer.is === 'failed') return answer.ending;
    standing.index = { generation, chunks: names, version: answer.made.version };
    return 'done';
  }

  async #delete(standing: Standing, name: string, { uid, version }: Stored): Promise<void> {
    const preconditions = { uid, resourceVersion: version };
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions };
    const answer = await this.#ask({ method: 'DELETE', path: `${this.#path}/${name}`, body });
    if (answer.is === 'made') standing.chunks.delete(name);
  }

  async #ask(
    call: Pick<Call, 'method' | 'path' | 'body'>,
  ): Promise<
    | { readonly is: 'made'; readonly made: Pick<Stored, 'uid' | 'version'> }
    | { readonly is: 'failed'; readonly ending: Ending }
  > {
    const answer = await this.#cluster.ask({ ...call, ...objectBounds });
    if (answer.is === 'answered') {
      const metadata = at(answer.body, 'metadata');
      return { is: 'made', made: { uid: textAt(metadata, 'uid'), version: textAt(metadata, 'resourceVersion') } };
    }
    // 409: it is there already, or not what we read; 404: it has gone. Somebody else writes here, or did.
    const isConflict = answer.is === 'refused' && (answer.status === 409 || answer.status === 404);
    return { is: 'failed', ending: isConflict ? 'conflict' : faultOf('write the catalog', answer).fault };
  }
}

function named(name: string): { readonly kind: string; readonly apiVersion: string; readonly metadata: object } {
  return { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, labels: catalogLabels } };
}

function isPublished({ index, chunks: stored }: Standing, chunks: readonly Chunk[]): boolean {
  if (index?.chunks.length !== chunks.length) return false;
  const named = new Set(index.chunks);
  return chunks.every(({ name }) => named.has(name) && stored.get(name)?.isBroken === false);
}

function publishedOf({ index, chunks }: Standing, before: Standing['index']): Published {
  const names = index?.chunks ?? [];
  const bytes = names.reduce((sum, name) => sum + (chunks.get(name)?.bytes ?? 0), 0);
  const wrote = index?.version !== before?.version;
  return { wrote, generation: index?.generation ?? 0, chunks: names.length, bytes };
}
