/** Certificate authorities for tests of whole worlds: what they sign is good, expired, or for another name, as wished. */
import { authority as root, leaf } from './certificates.ts';

export interface KeyPair {
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  readonly cert: string;
  readonly issue: (request: CertificateWish) => Promise<KeyPair>;
}

export interface CertificateWish {
  /** DNS names, or addresses in digits. */
  readonly names: readonly string[];
  /** From now. Default: 90. Negative: expired. */
  readonly endsInDays?: number;
  /** From now. Default: -100. */
  readonly startsInDays?: number;
}

let issued = 0;

/** Every certificate is a new one, with a key of its own, however alike the wishes. */
export async function authority(name: string): Promise<Authority> {
  const by = await root({ name, from: -365, to: 3650 });
  return {
    cert: by.cert,
    issue: async ({ names, startsInDays = -100, endsInDays = 90 }) => {
      issued += 1;
      const isAddress = (one: string): boolean => /^[\d.]+$/.test(one);
      const { cert, key } = await leaf({
        names: names.filter((one) => !isAddress(one)),
        ips: names.filter(isAddress),
        from: startsInDays,
        to: endsInDays,
        forClients: true,
        copy: issued,
        by,
      });
      return { cert, key };
    },
  };
}
