/** Who may pull. */
import { onTokens, refuses, alwaysUnauthorized } from '../kit/misbehaviour.ts';
import { at } from './at.ts';
import type { Case } from './cases.ts';
import { puller } from './stage.ts';

const users = { puller: 's3cret' };
const stranger = ['puller', 'old-password'] as const;

export const authCases: readonly Case[] = [
  {
    world: 'Basic with the right password',
    set: async ({ registry }) => ({ image: at(await registry({ user: puller })), user: puller }),
    gets: 'pulled',
  },
  {
    world: 'Basic with the wrong password',
    set: async ({ registry }) => ({ image: at(await registry({ user: puller })), user: stranger }),
    gets: /\[manifests v1\]: 401 Unauthorized$/,
  },
  {
    world: 'Basic with the wrong password, at a registry on the node itself that speaks plain HTTP',
    set: async ({ fake }) => {
      const port = await fake({ plain: true, auth: { scheme: 'basic', users } });
      return { image: `127.0.0.1:${port}/team/app:v1`, user: stranger };
    },
    gets: /\[manifests v1\]: 401 Unauthorized$/,
  },
  {
    world: 'Basic with no password',
    set: async ({ registry }) => ({ image: at(await registry({ user: puller })) }),
    gets: /\[manifests v1\]: 401 Unauthorized$/,
  },
  {
    world: 'a wrong password for a registry that never asks',
    set: async ({ registry }) => ({ image: at(await registry()), user: stranger }),
    gets: 'pulled',
  },
  {
    world: 'Bearer for nobody in particular',
    set: async ({ fake }) => ({ image: at(await fake({ auth: { scheme: 'bearer', anonymous: true } })) }),
    gets: 'pulled',
  },
  {
    world: 'Bearer with the right password',
    set: async ({ fake }) => ({ image: at(await fake({ auth: { scheme: 'bearer', users } })), user: puller }),
    gets: 'pulled',
  },
  {
    world: 'Bearer with the right password, from a realm that knows only GET',
    set: async ({ fake }) => ({
      image: at(await fake({ auth: { scheme: 'bearer', users, acceptsPost: false, field: 'access_token' } })),
      user: puller,
    }),
    gets: 'pulled',
  },
  {
    world: 'Bearer with the right password, from a realm that answers POST in the words of GET',
    set: async ({ fake }) => ({
      image: at(await fake({ auth: { scheme: 'bearer', users, field: 'token' } })),
      user: puller,
    }),
    gets: /failed to fetch oauth token: authorization server did not include a token in the response$/,
  },
  {
    world: 'Bearer with the wrong password',
    set: async ({ fake }) => ({ image: at(await fake({ auth: { scheme: 'bearer', users } })), user: stranger }),
    gets: /failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized$/,
  },
  {
    world: 'Bearer with the wrong password for a repository that is open to all',
    set: async ({ fake }) => ({
      image: at(await fake({ auth: { scheme: 'bearer', users, anonymous: true } })),
      user: stranger,
    }),
    gets: /failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized$/,
  },
  {
    world: 'Bearer with no password for a private repository',
    set: async ({ fake }) => ({ image: at(await fake({ auth: { scheme: 'bearer', users } })) }),
    gets: /pull access denied, .*: server message: insufficient_scope: authorization failed$/,
  },
  {
    world: 'a realm where nobody listens',
    set: async ({ fake, none }) => ({
      image: at(await fake({ auth: { scheme: 'bearer', realm: `https://mirror.example.test:${await none()}/token` } })),
    }),
    gets: /failed to authorize: failed to fetch anonymous token: Get "https:\/\/mirror.*connection refused$/,
  },
  {
    world: 'a realm that answers 403',
    set: async ({ fake }) => ({
      image: at(await fake({ auth: { scheme: 'bearer', anonymous: true }, onRequest: onTokens(refuses(403)) })),
    }),
    gets: /failed to authorize: failed to fetch anonymous token: unexpected status: 403 Forbidden$/,
  },
  {
    world: 'a realm that answers 500',
    set: async ({ fake }) => ({
      image: at(await fake({ auth: { scheme: 'bearer', users }, onRequest: onTokens(refuses(500)) })),
      user: puller,
    }),
    gets: /failed to authorize: failed to fetch oauth token: unexpected status: 500 Internal Server Error$/,
  },
  {
    world: 'a challenge in a scheme that containerd does not speak',
    set: async ({ fake }) => ({ image: at(await fake({ onRequest: alwaysUnauthorized('Negotiate') })) }),
    gets: /\[manifests v1\]: 401 Unauthorized$/,
  },
];
