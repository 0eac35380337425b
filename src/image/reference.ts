/**
 * An image reference with every default made explicit, and the three strings it lives under: as written (Events, back-off),
 * as the kubelet sends it to the runtime, and as the runtime reads it.
 *
 * Imitates distribution/reference v0.6.0 (normalize.go ParseNormalizedNamed, splitDockerDomain, ParseDockerRef; reference.go
 * Parse; regexp.go) with opencontainers/go-digest Validate, as the kubelet and containerd since 1.7 vendor them. The 1.6 line
 * counts the registry into the length limit; that difference is left out.
 */
import { cut } from '#go/strings.ts';
import { bad, good } from '#report/outcome.ts';
import type { Outcome } from '#report/outcome.ts';
import { valueAt } from '#data/value-at.ts';
import type { PullPolicy } from '#node/view.ts';

export type Digest = `sha256:${string}` | `sha384:${string}` | `sha512:${string}`;

export interface Image {
  /** The user's own string. */
  readonly written: string;
  /** What the kubelet hands to the runtime: the user's string, with `:latest` when it has neither tag nor digest. */
  readonly sent: string;
  /** The registry's name as in the normalised reference, with its port if it has one: `docker.io`, `reg.io:5000`. */
  readonly registry: string;
  /** The repository's path without the registry: `library/nginx`. */
  readonly path: string;
  /** registry/path: what credentials are matched against. */
  readonly repository: string;
  /** Present when the runtime will resolve a tag. A reference with a tag and a digest is a digest alone to every runtime. */
  readonly tag?: string;
  readonly digest?: Digest;
  /** The reference as the runtime reads and prints it: `docker.io/library/nginx:latest`. */
  readonly runtime: string;
}

/** The parts of a reference that parsed; empty text where a part was not written. */
interface Named {
  readonly registry: string;
  readonly path: string;
  readonly tag: string;
  readonly digest: Digest | undefined;
}

const label = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const registryName = String.raw`(?:${label}(?:\.${label})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`;
const pathPart = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const pathName = `${pathPart}(?:/${pathPart})*`;
const digestText = String.raw`[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}`;
const reference = new RegExp(
  String.raw`^((?:${registryName}/)?${pathName})(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(${digestText}))?$`,
);
const registryAndPath = new RegExp(`^(?:(${registryName})/)?(${pathName})$`);
const identifier = /^[a-f0-9]{64}$/;

const hub = 'docker.io';
const maxPathLength = 255;

/** Reads an image as the kubelet does; the fault's `why` is the library's own text. */
export function parseImage(text: string): Outcome<Image> {
  const named = parseNamed(text);
  if (typeof named === 'string') return bad({ code: 'image.malformed', image: text, why: named });
  const { registry, path, digest } = named;
  const tag = digest === undefined ? named.tag || 'latest' : '';
  // A first element that is no valid host name ends up in the path (`my_registry.io/app`); the runtime's host is still the
  // first element (containerd pkg/reference Spec.Hostname).
  const [host, rest] = registry === '' ? cut(path, '/') : [registry, path];
  const repository = `${host}/${rest}`;
  return good({
    written: text,
    sent: sentFor(text, tag),
    registry: host,
    path: rest,
    repository,
    ...(digest === undefined ? { tag } : { digest }),
    runtime: digest === undefined ? `${repository}:${tag}` : `${repository}@${digest}`,
  });
}

/**
 * The policy that the API server writes where the user wrote none (k8s pkg/apis/core/v1/defaults.go SetDefaults_Container):
 * the tag decides, also where a digest stands beside it, and what cannot be parsed has no tag.
 */
export function pullPolicyOf(written: string): PullPolicy {
  const named = parseNamed(written);
  if (typeof named === 'string') return 'IfNotPresent';
  const tag = named.tag === '' && named.digest === undefined ? 'latest' : named.tag;
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

/** k8s pkg/kubelet/images/image_manager.go applyDefaultImageTag: the default tag goes to the user's own string. */
function sentFor(text: string, tag: string): string {
  return tag === '' || text.endsWith(`:${tag}`) ? text : `${text}:${tag}`;
}

/** ParseNormalizedNamed: the parts, or the library's error text. */
function parseNamed(text: string): Named | string {
  if (identifier.test(text)) {
    return `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`;
  }
  const [registry, remainder] = splitRegistry(text);
  const [remote] = cut(remainder, ':');
  if (remote.toLowerCase() !== remote) {
    return `invalid reference format: repository name (${remote}) must be lowercase`;
  }
  return parseFull(`${registry}/${remainder}`);
}

/** splitDockerDomain: an upper-case first element is a registry too, since no repository may look like that. */
function splitRegistry(name: string): readonly [registry: string, remainder: string] {
  if (!name.includes('/')) return [hub, `library/${name}`];
  const [first, rest] = cut(name, '/');
  const named = first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first;
  if (!named) return [hub, name];
  const registry = first === 'index.docker.io' ? hub : first;
  return [registry, registry === hub && !rest.includes('/') ? `library/${rest}` : rest];
}

/** reference.go Parse. */
function parseFull(text: string): Named | string {
  const match = reference.exec(text);
  if (match === null) {
    return reference.test(text.toLowerCase()) ? 'repository name must be lowercase' : 'invalid reference format';
  }
  const [, name = '', tag = '', digest = ''] = match;
  const [, registry = '', path = ''] = registryAndPath.exec(name) ?? [];
  if (path.length > maxPathLength) {
    return `repository name must not be more than ${maxPathLength} characters`;
  }
  if (digest === '') return { registry, path, tag, digest: undefined };
  const read = readDigest(digest);
  return read.ok ? { registry, path, tag, digest: read.digest } : read.why;
}

const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** opencontainers/go-digest Digest.Validate, with its error texts. */
export function readDigest(text: string): { ok: true; digest: Digest } | { ok: false; why: string } {
  const [algorithm, hex] = cut(text, ':');
  if (algorithm === '' || hex === '') return { ok: false, why: 'invalid checksum digest format' };
  const length = valueAt(digestLengths, algorithm);
  if (length === undefined) {
    const wellFormed = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/.test(text);
    return { ok: false, why: wellFormed ? 'unsupported digest algorithm' : 'invalid checksum digest format' };
  }
  if (hex.length !== length) return { ok: false, why: 'invalid checksum digest length' };
  if (!isDigest(text)) return { ok: false, why: 'invalid checksum digest format' };
  return { ok: true, digest: text };
}

function isDigest(text: string): text is Digest {
  return /^(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})$/.test(text);
}
