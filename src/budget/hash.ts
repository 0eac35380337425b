/** A hash of a name: it spreads nodes over time and over registries in the same way after every restart. Pure. */

/** 32 bits: FNV-1a over UTF-16 units, then the finalizer of MurmurHash3, which separates names that differ in their last digit. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mixed(hash);
}

/** The finalizer of MurmurHash3. */
export function mixed(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The hash as a number in [0, 1): the part of each interval at which this name acts. */
export function phaseOf(text: string): number {
  return hashOf(text) / 2 ** 32;
}
