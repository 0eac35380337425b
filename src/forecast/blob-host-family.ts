/** A blob host that one of its two address families does not reach: the runtime takes the other, while that works. */
import type { ImageFacts } from '#pull/facts.ts';
import type { Evidence } from '#pull/rehearsal.ts';
import type { Foreseen, ImageRule } from './rule.ts';

export const blobHostFamily: ImageRule = { name: 'blob-host-family', foresee };

type Family = 'IPv4' | 'IPv6';
const families: readonly Family[] = ['IPv4', 'IPv6'];

function foresee({ rehearsal }: ImageFacts): readonly Foreseen[] {
  const blobHosts = new Set(
    rehearsal.performances.flatMap(({ exchanges }) =>
      exchanges.flatMap(({ act, url }) => (act === 'config' || act === 'layer' ? (hostOf(url) ?? []) : [])),
    ),
  );
  const addresses = rehearsal.evidence.filter(({ of }) => of === 'address');
  return [...blobHosts].flatMap((host): readonly Foreseen[] => {
    const own = addresses.filter((one) => one.host === host);
    const dead = families.find((family) => isDead(own, family));
    const other = families.find((family) => family !== dead && own.some((one) => isOf(one, family) && one.outcome.ok));
    if (dead === undefined || other === undefined) return [];
    const failed = own.find((one) => isOf(one, dead));
    if (failed === undefined || failed.outcome.ok) return [];
    const { code } = failed.outcome.fault;
    // Where nothing at all is reached by a family, the node does not have it, and the runtime does not try.
    const has = addresses.some((one) => isOf(one, dead) && one.outcome.ok);
    if (code === 'tcp.unreachable' && !has) return [];
    return [
      {
        about: `${host} over ${dead}`,
        fault: 'blob.redirect_failed',
        likelihood: 'possible',
        effect: 'fails',
        assuming: `${other} fails too, or the runtime prefers ${dead}`,
        because: `${host}, which serves layers, is reached over ${other} and not over ${dead} (${code})`,
        remedy: `Let ${dead} through to ${host}, or take its ${dead} addresses out of the name server's answers.`,
      },
    ];
  });
}

/** It has addresses of this family, and none connects. */
function isDead(addresses: readonly Evidence[], family: Family): boolean {
  const own = addresses.filter((one) => isOf(one, family));
  return own.length > 0 && own.every(({ outcome }) => !outcome.ok);
}

function isOf({ target }: Evidence, family: Family): boolean {
  return target.startsWith('[') === (family === 'IPv6');
}

/** A URL's host without its port, in brackets where it is an address of IPv6. */
function hostOf(url: string): string | undefined {
  return /^https?:\/\/(\[[^\]]*\]|[^/?#:]+)/.exec(url)?.[1];
}
