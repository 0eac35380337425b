/**
 * An image reference with every default made explicit, and the three strings it lives under: as written (Events, back-off),
 * as the kubelet sends it to the runtime, and as the runtime reads it.
 */
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
