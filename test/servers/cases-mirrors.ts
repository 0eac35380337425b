/** What hosts.toml makes of a pull. */
import { at, host, hostDir } from './at.ts';
import type { Case } from './cases.ts';

export const mirrorCases: readonly Case[] = [
  {
    world: 'a mirror over plain HTTP',
    set: async ({ fake, none, certsD }) => {
      const [origin, mirror] = [await none(), await fake({ plain: true })];
      await certsD({ [`${hostDir(origin)}/hosts.toml`]: host(`http://127.0.0.1:${mirror}`) });
      return { image: at(origin) };
    },
    gets: 'pulled',
  },
  {
    world: 'a mirror that is down, before a registry that is up',
    set: async ({ registry, none, certsD }) => {
      const [origin, mirror] = [await registry(), await none()];
      await certsD({ [`${hostDir(origin)}/hosts.toml`]: host(`https://${hostDir(mirror, 'mirror')}`) });
      return { image: at(origin) };
    },
    gets: 'pulled',
  },
  {
    world: 'a mirror that lacks the image, before a registry that has it',
    set: async ({ registry, fake, certsD }) => {
      const [origin, mirror] = [await registry(), await fake({ images: {} })];
      await certsD({ [`${hostDir(origin)}/hosts.toml`]: host(`https://${hostDir(mirror, 'mirror')}`) });
      return { image: at(origin) };
    },
    gets: 'pulled',
  },
  {
    world: 'a mirror that is down, before a registry that is down',
    set: async ({ none, certsD }) => {
      const [origin, mirror] = [await none(), await none()];
      await certsD({ [`${hostDir(origin)}/hosts.toml`]: host(`https://${hostDir(mirror, 'mirror')}`) });
      return { image: at(origin) };
    },
    gets: /Head "https:\/\/mirror\.example\.test:.*connection refused$/,
  },
  {
    world: 'a mirror without the image, before a registry that is down',
    set: async ({ none, fake, certsD }) => {
      const [origin, mirror] = [await none(), await fake({ images: {} })];
      await certsD({ [`${hostDir(origin)}/hosts.toml`]: host(`https://${hostDir(mirror, 'mirror')}`) });
      return { image: at(origin) };
    },
    gets: /Head "https:\/\/registry\.example\.test:.*connection refused$/,
  },
  {
    world: 'a pull-only mirror without a registry behind it, and a tag to resolve',
    set: async ({ none, fake, certsD }) => {
      const [origin, mirror] = [await none(), await fake()];
      await certsD({
        [`${hostDir(origin)}/hosts.toml`]: host(`https://${hostDir(mirror, 'mirror')}`, 'capabilities = ["pull"]'),
      });
      return { image: at(origin) };
    },
    gets: /Head "https:\/\/registry\.example\.test:.*connection refused$/,
  },
  {
    world: 'a mirror below a path of its own, with override_path',
    set: async ({ fake, none, certsD }) => {
      const [origin, mirror] = [await none(), await fake({ root: '/cache/hub' })];
      const entry = host(`https://${hostDir(mirror, 'mirror')}/cache/hub`, 'override_path = true');
      await certsD({ [`${hostDir(origin)}/hosts.toml`]: entry });
      return { image: at(origin) };
    },
    gets: 'pulled',
  },
  {
    world: 'the same mirror without override_path',
    set: async ({ fake, none, certsD }) => {
      const [origin, mirror] = [await none(), await fake({ root: '/cache/hub' })];
      await certsD({ [`${hostDir(origin)}/hosts.toml`]: host(`https://${hostDir(mirror, 'mirror')}/cache/hub`) });
      return { image: at(origin) };
    },
    gets: /Head "https:\/\/registry\.example\.test:.*connection refused$/,
  },
  {
    world: 'a hosts.toml that cannot be read, before a registry that is up',
    set: async ({ registry, certsD }) => {
      const port = await registry();
      await certsD({ [`${hostDir(port)}/hosts.toml`]: '[host."https://mirror.example.test\n' });
      return { image: at(port) };
    },
    gets: 'pulled',
  },
  {
    world: 'a hosts.toml with an unknown capability, and its mirror the only one that is up',
    set: async ({ fake, none, certsD }) => {
      const [origin, mirror] = [await none(), await fake()];
      const entry = host(`https://${hostDir(mirror, 'mirror')}`, 'capabilities = ["pull", "resolve", "referrers"]');
      await certsD({ [`${hostDir(origin)}/hosts.toml`]: entry });
      return { image: at(origin) };
    },
    gets: /Head "https:\/\/registry\.example\.test:.*connection refused$/,
  },
  {
    world: 'a hosts.toml that names a server and no host, which containerd 1.6 does not take',
    set: async ({ fake, none, certsD }) => {
      const [origin, server] = [await none(), await fake()];
      await certsD({ [`${hostDir(origin)}/hosts.toml`]: `server = "https://${hostDir(server, 'mirror')}"\n` });
      return { image: at(origin) };
    },
    gets: /Head "https:\/\/registry\.example\.test:.*connection refused$/,
  },
  {
    world: 'a hosts.toml whose CA file is not there',
    set: async ({ registry, certsD }) => {
      const port = await registry();
      await certsD({ [`${hostDir(port)}/hosts.toml`]: host(`https://${hostDir(port)}`, 'ca = "gone.pem"') });
      return { image: at(port) };
    },
    gets: /gone\.pem.*no such file or directory$/,
  },
  {
    world: 'a client certificate in hosts.toml for a registry that wants one',
    set: async ({ fake, certificate, certsD, pki }) => {
      const port = await fake({ tls: { ...(await certificate()), ca: pki.known.cert } });
      const client = await pki.known.issue({ names: ['node.example.test'] });
      const own = hostDir(port);
      await certsD({
        [`${own}/client.cert`]: client.cert,
        [`${own}/client.key`]: client.key,
        [`${own}/hosts.toml`]: host(`https://${own}`, 'client = [["client.cert", "client.key"]]'),
      });
      return { image: at(port) };
    },
    gets: 'pulled',
  },
  {
    world: 'a mirror of Docker Hub',
    set: async ({ fake, certsD }) => {
      const mirror = await fake();
      await certsD({ 'docker.io/hosts.toml': host(`https://${hostDir(mirror, 'mirror')}`) });
      return { image: 'team/app:v1' };
    },
    gets: 'pulled',
  },
  {
    world: 'a hosts.toml that begins with a byte order mark, which containerd 2 does not take',
    set: async ({ fake, none, certsD }) => {
      const [origin, mirror] = [await none(), await fake()];
      await certsD({ [`${hostDir(origin)}/hosts.toml`]: `\uFEFF${host(`https://${hostDir(mirror, 'mirror')}`)}` });
      return { image: at(origin) };
    },
    gets: 'pulled',
  },
  {
    world: 'a hosts.toml that names a mirror by its IPv6 address, which containerd 1 does not take',
    set: async ({ none, certsD }) => {
      const [origin, mirror] = [await none(), await none()];
      await certsD({ [`${hostDir(origin)}/hosts.toml`]: host(`http://[::1]:${mirror}`) });
      return { image: at(origin) };
    },
    gets: /Head "https:\/\/registry\.example\.test:.*connection refused$/,
  },
];
