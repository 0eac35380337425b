/**
 * The hosts that a registry sends its pulls to for layers. A new one is what firewalls do not know yet; one that fails now and
 * then fails a pull of many layers for certain.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { FaultCode } from '#report/fault.ts';
import { minuteText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import { blobSamples, sampled, type BlobHostHistory } from '#forecast/history/blob-hosts.ts';
import type { Prediction, ImageRule, Unseen } from '#forecast/rule.ts';

export const blobHostNew: ImageRule = { name: 'blob-host-new', evaluate: forecastNew, unseen };
export const blobHostFlaky: ImageRule = { name: 'blob-host-flaky', evaluate: forecastFlaky };

const hourMs = 3_600_000;
/** What a registry shows in the first hour is its set, not news: each layer may come from another of its hosts. */
const learnsMs = hourMs;
/** A day, so that whoever keeps the firewall hears of it. */
const isNewMs = 24 * hourMs;
/** A failure that was not repeated for so long says nothing of now. */
const isFreshMs = 6 * hourMs;
/** Fewer requests than this tell no share (40 % of requests to Docker Hub's R2 host, 10 February 2025). */
const enough = 10;
const someShare = 0.05;
const largeShare = 0.2;
/** So many failures in a row are no accident. */
const inRow = 3;

interface Host extends BlobHostHistory {
  readonly name: string;
  /** Asked in this rehearsal. */
  readonly now: boolean;
}

/** With the requests of this rehearsal in it. */
function hostsOf({ demand, rehearsal, history, now }: ImageFacts): readonly Host[] {
  if (!demand.image.ok) return [];
  const { registry } = demand.image.value;
  const known = valueAt(history.blobHosts, registry) ?? {};
  const hosts = new Map(
    Object.entries(known).map(([name, host]): [string, Host] => [name, { ...host, name, now: false }]),
  );
  for (const sample of blobSamples(rehearsal.attempts)) {
    const host = sampled(hosts.get(sample.host), sample, { atMs: now.getTime(), image: demand.written });
    hosts.set(sample.host, { ...host, name: sample.host, now: true });
  }
  return [...hosts.values()];
}

function forecastNew(facts: ImageFacts): readonly Prediction[] {
  const { demand, plan, rehearsal, history } = facts;
  const registry = demand.image.ok ? demand.image.value.registry : '';
  // The first rehearsal of a registry learns.
  if (!Object.hasOwn(history.blobHosts, registry)) return [];
  const hosts = hostsOf(facts);
  const firstMs = Math.min(...hosts.map(({ sinceMs }) => sinceMs));
  const nowMs = facts.now.getTime();
  const routes = plan.routes.ok ? plan.routes.value.map(({ authority }) => authority) : [];
  const pulled = rehearsal.attempts.at(-1)?.ending.is === 'pulled';
  return hosts.flatMap((host): readonly Prediction[] => {
    const { name, sinceMs, okMs, failMs } = host;
    if (routes.includes(name) || sinceMs - firstMs < learnsMs) return [];
    if (okMs === undefined && failMs !== undefined && nowMs - failMs < isFreshMs)
      return pulled ? [refused(host, registry, hosts)] : [];
    const others = hosts.filter((other) => other.sinceMs < sinceMs).map((other) => other.name);
    if (okMs === undefined || nowMs - sinceMs > isNewMs || others.length === 0) return [];
    return [
      {
        about: name,
        fault: 'blob.redirect_failed',
        likelihood: 'possible',
        // From here it works: whether other nodes reach it, they tell.
        effect: 'none',
        because: `since ${minuteText(sinceMs)} ${registry} serves layers from ${name} too (before: ${listed(others)}); from this node it works`,
        remedy: `Let ${name} through wherever ${listed(others)} is let through: firewalls, proxies, network policies of all nodes.`,
      },
    ];
  });
}

/** Where manifests cost quota and are not on the node, no layer is asked for, and nobody knows where it would come from. */
function unseen({ demand, rehearsal, history }: ImageFacts): readonly Unseen[] {
  const ending = rehearsal.attempts.at(-1)?.ending;
  if (!demand.image.ok || ending?.is !== 'pulled' || ending.content.depth !== 'resolved') return [];
  const { registry } = demand.image.value;
  if (Object.hasOwn(history.blobHosts, registry)) return [];
  return [
    {
      about: registry,
      fault: 'blob.redirect_failed',
      because: `where ${registry} serves layers from was not seen, because reading a manifest would spend its pull quota`,
      remedy: `Look at one image of it once: \`drypull check --spend IMAGE\`.`,
    },
  ];
}

function refused({ name, sinceMs, fault }: Host, registry: string, hosts: readonly Host[]): Prediction {
  const others = hosts.filter(({ okMs }) => okMs !== undefined).map((other) => other.name);
  return {
    about: name,
    fault: metAs(fault),
    likelihood: 'likely',
    effect: 'fails',
    withinS: 0,
    assuming: `a layer comes from ${name}`,
    because: `since ${minuteText(sinceMs)} ${registry} serves layers from ${name} too, which never answered this node (${fault ?? 'unknown'}); this image came from ${listed(others)}`,
    remedy: `Let ${name} through wherever ${listed(others)} is let through: firewall, proxy, network policy, name server.`,
  };
}

function forecastFlaky(facts: ImageFacts): readonly Prediction[] {
  const { rehearsal, now, plan, demand } = facts;
  const ending = rehearsal.attempts.at(-1)?.ending;
  const blobs = ending?.is === 'pulled' ? ending.content.layers + 1 : 1;
  const all = plan.routes.ok ? plan.routes.value : [];
  const routes = all.map(({ authority }) => authority);
  // Behind a mirror that fails stands the next host: route-down tells of it.
  const mirrors = all.filter(({ role }) => role === 'mirror').map(({ authority }) => authority);
  return hostsOf(facts).flatMap(({ name, recent, okMs, failMs, fault, failed: images = [] }): readonly Prediction[] => {
    // What one other image alone meets may be that image's.
    if (images.length < 2 && !images.includes(demand.written)) return [];
    if (mirrors.includes(name)) return [];
    if (okMs === undefined || failMs === undefined || now.getTime() - failMs > isFreshMs) return [];
    const failed = recent.replaceAll('1', '').length;
    const share = failed / Math.max(1, recent.length);
    const isDown = recent.endsWith('0'.repeat(inRow));
    if (!isDown && (recent.length < enough || failed < 2 || share < someShare)) return [];
    const pulls = Math.round(100 * (1 - (1 - share) ** blobs));
    return [
      {
        about: name,
        fault: routes.includes(name) && metAs(fault) === 'blob.redirect_failed' ? 'blob.unreachable' : metAs(fault),
        likelihood: isDown || share >= largeShare ? 'likely' : 'possible',
        effect: 'fails',
        withinS: 0,
        assuming: 'it goes on as in the last requests',
        because: `${failed} of the last ${recent.length} requests for layers to ${name} failed (${fault ?? 'unknown'}): a pull of ${blobs} of them fails with ${pulls} %`,
        remedy: `Ask whoever runs ${name}, or the way to it; until then a mirror that holds the layers saves the pulls.`,
      },
    ];
  });
}

/** What the kubelet would meet: the wire's faults come to it as those of a redirect that leads nowhere. */
function metAs(fault: FaultCode | undefined): FaultCode {
  return fault?.startsWith('blob.') === true ? fault : 'blob.redirect_failed';
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'its other hosts' : names.slice(0, 3).join(', ');
}
