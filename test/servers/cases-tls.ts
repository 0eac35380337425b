/** Names, connections and certificates. */
import { at, host, hostDir } from './at.ts';
import { authority, leaf } from '../kit/certificates.ts';
import type { Case } from './cases.ts';

export const tlsCases: readonly Case[] = [
  {
    world: 'an open registry with a certificate that the node trusts',
    set: async ({ registry }) => ({ image: at(await registry()) }),
    gets: 'pulled',
  },
  {
    world: 'a certificate of an authority that was made anew under its old name',
    set: async ({ registry }) => {
      const anew = await authority({ name: 'Known CA', from: -1 });
      return { image: at(await registry({ tls: await leaf({ names: ['*.example.test'], by: anew }) })) };
    },
    gets: /\(possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate "Known CA"\)$/,
  },
  {
    world: 'a name that only the name server knows',
    set: async ({ registry }) => ({ image: at(await registry(), 'named') }),
    gets: 'pulled',
  },
  {
    world: 'a name that does not exist',
    set: async ({ registry }) => ({ image: at(await registry(), 'nowhere') }),
    gets: /dial tcp: lookup nowhere\.example\.test on 127\.[\d.]+:53: no such host$/,
  },
  {
    world: 'a port where nobody listens',
    set: async ({ none }) => ({ image: at(await none()) }),
    gets: /dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/,
  },
  {
    world: 'a certificate from an authority that the node does not know',
    set: async ({ registry, certificate }) => ({ image: at(await registry({ tls: await certificate('unknown') })) }),
    gets: /x509: certificate signed by unknown authority$/,
  },
  {
    world: 'such a certificate, and its authority in hosts.toml',
    set: async ({ registry, certificate, certsD, pki }) => {
      const port = await registry({ tls: await certificate('unknown') });
      const own = hostDir(port);
      await certsD({
        [`${own}/ca.pem`]: pki.unknown.cert,
        [`${own}/hosts.toml`]: host(`https://${own}`, 'ca = "ca.pem"'),
      });
      return { image: at(port) };
    },
    gets: 'pulled',
  },
  {
    world: 'such a certificate, and its authority as ca.crt beside no hosts.toml',
    set: async ({ registry, certificate, certsD, pki }) => {
      const port = await registry({ tls: await certificate('unknown') });
      await certsD({ [`${hostDir(port)}/ca.crt`]: pki.unknown.cert });
      return { image: at(port) };
    },
    gets: 'pulled',
  },
  {
    world: 'an expired certificate',
    set: async ({ registry, certificate }) => ({
      image: at(await registry({ tls: await certificate('known', { endsInDays: -1 }) })),
    }),
    gets: /x509: certificate has expired or is not yet valid: current time \S+ is after \S+$/,
  },
  {
    world: 'an expired certificate that hosts.toml tells not to verify',
    set: async ({ registry, certificate, certsD }) => {
      const port = await registry({ tls: await certificate('known', { endsInDays: -1 }) });
      await certsD({ [`${hostDir(port)}/hosts.toml`]: host(`https://${hostDir(port)}`, 'skip_verify = true') });
      return { image: at(port) };
    },
    gets: 'pulled',
  },
  {
    world: 'a certificate that is not valid yet',
    set: async ({ registry, certificate }) => ({
      image: at(await registry({ tls: await certificate('known', { startsInDays: 1 }) })),
    }),
    gets: /x509: certificate has expired or is not yet valid: current time \S+ is before \S+$/,
  },
  {
    world: 'a certificate for another name',
    set: async ({ registry, certificate }) => ({
      image: at(await registry({ tls: await certificate('known', { names: ['other.example.test'] }) })),
    }),
    gets: /x509: certificate is valid for other\.example\.test, not registry\.example\.test$/,
  },
  {
    world: 'plain HTTP where HTTPS is expected',
    set: async ({ fake }) => ({ image: at(await fake({ plain: true })) }),
    gets: /http: server gave HTTP response to HTTPS client$/,
  },
  {
    world: 'HTTPS where hosts.toml says plain HTTP',
    set: async ({ registry, certsD }) => {
      const port = await registry();
      const entry = host(`http://${hostDir(port)}`);
      await certsD({ [`${hostDir(port)}/hosts.toml`]: `server = "http://${hostDir(port)}"\n${entry}` });
      return { image: at(port) };
    },
    gets: /\[manifests v1\]: 400 Bad Request$/,
  },
  {
    world: 'a registry that wants a client certificate and gets none',
    set: async ({ fake, certificate, pki }) => ({
      image: at(await fake({ tls: { ...(await certificate()), ca: pki.known.cert } })),
    }),
    gets: /remote error: tls: certificate required$/,
  },
  {
    world: 'an IPv6 address for a registry, which containerd 1.6 cannot read',
    set: async ({ none }) => ({ image: `[::1]:${await none()}/team/app:v1` }),
    gets: /failed to parse image reference "\[::1\]:\d+\/team\/app:v1": invalid reference format$/,
  },
  {
    world: 'a number for a registry, which is no address to Go',
    set: async ({ none }) => ({ image: `127.1:${await none()}/team/app:v1` }),
    gets: /Head "https:\/\/127\.1:\d+\/v2\/team\/app\/manifests\/v1": dial tcp: lookup 127\.1: no such host$/,
  },
];
