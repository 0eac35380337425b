/** A number in [0, 1) that a text always has: who asks when is spread over a fleet by the nodes' names, the same after every restart. */
export function phaseOf(text: string): number {
  // FNV-1a, then the finaliser of MurmurHash3: names that differ in their last digit alone are spread as well.
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
