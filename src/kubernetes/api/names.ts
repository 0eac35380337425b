/** Names of Kubernetes objects. */

/** A DNS subdomain (RFC 1123), as most names are. Checked before a name goes into a path: `..` would be another path. */
export function isSubdomain(name: string): boolean {
  return name.length <= 253 && name.split('.').every((label) => /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(label));
}
