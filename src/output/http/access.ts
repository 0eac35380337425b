/**
 * Who may read the open listener, in the words of HTTP: 401, 403, 503. Whom to ask is an argument; tokens pass through here and are
 * neither kept nor told.
 */
import type { Reply } from './listener.ts';
import { problem } from './listener.ts';

/** Decides on one reading of one place. What it keeps of earlier answers is its own affair. */
export type Admit = (authorization: string | undefined, path: string) => Promise<Admitted>;

export interface Admitted {
  readonly is: 'admitted' | 'unauthenticated' | 'forbidden' | 'unavailable';
}

/** The kubelet's probes carry no token, and what they read says nothing about images. */
export function isOpenPath(path: string): boolean {
  return path === '/livez' || path === '/readyz';
}

/** The refusal, or undefined where the reader may come in. */
export async function refusal(
  authorization: string | undefined,
  path: string,
  admit: Admit | undefined,
): Promise<Reply | undefined> {
  if (admit === undefined) return undefined;
  const { is } = await admit(authorization, path);
  switch (is) {
    case 'admitted':
      return undefined;
    case 'unauthenticated':
      return problem(
        401,
        'show a token that this cluster knows: Authorization: Bearer …; only /livez and /readyz are open',
        {
          'WWW-Authenticate': 'Bearer realm="drypull"',
        },
      );
    case 'forbidden':
      return problem(403, `the cluster knows you, and does not let you get the non-resource URL ${path}`);
    case 'unavailable':
      return problem(503, 'the cluster cannot be asked now who you are; only /livez and /readyz are open', {
        'Retry-After': '5',
      });
  }
}
