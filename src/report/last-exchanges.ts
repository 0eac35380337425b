/**
 * The last request for each thing at each host: what came before it was a try that something followed (a login, plain HTTP after
 * HTTPS, a repeated request), and says nothing of what a pull would get.
 */
import type { Exchange } from './rehearsal.ts';

export function lastExchanges(exchanges: readonly Exchange[]): readonly Exchange[] {
  const last = new Map<string, Exchange>();
  for (const exchange of exchanges) last.set(placeOf(exchange), exchange);
  return [...last.values()];
}

/** Without the scheme and the query: which object at which host. */
function placeOf({ url, act }: Exchange): string {
  return `${act} ${url.replace(/^https?:\/\//, '').replace(/[?#].*$/s, '')}`;
}
