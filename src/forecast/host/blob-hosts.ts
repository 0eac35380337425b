/**
 * The hosts that a registry redirects layer downloads to. A new host may be missing from firewall rules; a host that fails now and
 * then almost certainly fails a pull of many layers.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { FaultCode } from '#report/fault.ts';
import { minuteText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import { blobSamples, sampled, type BlobHostHistory } from '#forecast/history/blob-hosts.ts';
import type { Prediction, ImageRule, Unseen } from '#forecast/rule.ts';

export const blobHostNew: ImageRule = {
  name: 'blob-host-new',
  meta: {
    title: 'A registry serves layers from a new host',
    why: 'Firewalls and proxies that allow a registry by name often do not allow a host to which the registry newly redirects layer downloads. The rule reports a new host for a day, and as a failure when this node has never reached it.',
    needs:
      'An hour of history with the registry, and manifests that drypull may read. On a registry where reading a manifest costs quota the layer host is unknown until you run `drypull check --spend` once.',
    remedy: 'Allow the new host wherever you allow the hosts used before: firewalls, proxies, network policies.',
  },
  evaluate: forecastNew,
  unseen,
};
export const blobHostFlaky: ImageRule = {
  name: 'blob-host-flaky',
  meta: {
    title: 'A layer host fails now and then',
    why: 'When a share of the requests to a layer host fails, a pull of many layers fails almost certainly, although a single request mostly works. At Docker Hub 40 % of requests to one host failed on 10 February 2025.',
    needs: 'At least 10 recent requests of which 2 and 5 % failed, or 3 failures in a row, within the last 6 hours.',
    remedy: 'Ask the operator of the host or of the network path; use a mirror that holds the layers until then.',
  },
  evaluate: forecastFlaky,
};

const hourMs = 3_600_000;
/** Hosts seen in the first hour are the registry's usual set: each layer may come from another of its hosts. */
const learnsMs = hourMs;
/** A day, so that the firewall's owner gets to see it. */
const isNewMs = 24 * hourMs;
/** A failure that did not repeat for this long says nothing about the present. */
const isFreshMs = 6 * hourMs;
/** Fewer requests than this give no reliable share (40 % of requests to Docker Hub's R2 host failed on 10 February 2025). */
const enough = 10;
const someShare = 0.05;
const largeShare = 0.2;
/** This many failures in a row are not chance. */
const inRow = 3;

interface Host extends BlobHostHistory {
  readonly name: string;
  /** Requested in this rehearsal. */
  readonly now: boolean;
}

/** Includes the requests of this rehearsal. */
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
  // The first rehearsal of a registry only learns its hosts.
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
        // It works from this node; other nodes report for themselves.
        effect: 'none',
        because: `since ${minuteText(sinceMs)} ${registry} also serves layers from ${name} (before: ${listed(others)}); from this node it works`,
        remedy: `Allow ${name} wherever ${listed(others)} is allowed: in firewalls, proxies and network policies of all nodes.`,
      },
    ];
  });
}

/** When reading a manifest costs quota and the manifest is not on the node, no layer is requested and its host stays unknown. */
function unseen({ demand, rehearsal, history }: ImageFacts): readonly Unseen[] {
  const ending = rehearsal.attempts.at(-1)?.ending;
  if (!demand.image.ok || ending?.is !== 'pulled' || ending.content.depth !== 'resolved') return [];
  const { registry } = demand.image.value;
  if (Object.hasOwn(history.blobHosts, registry)) return [];
  return [
    {
      about: registry,
      fault: 'blob.redirect_failed',
      because: `the host that ${registry} serves layers from was not seen, because reading a manifest would spend its pull quota`,
      remedy: `Check one of its images once: \`drypull check --spend IMAGE\`.`,
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
    because: `since ${minuteText(sinceMs)} ${registry} also serves layers from ${name}, which has never answered this node (${fault ?? 'unknown'}); the layers of this image came from ${listed(others)}`,
    remedy: `Allow ${name} wherever ${listed(others)} is allowed: in the firewall, proxy, network policy and name server.`,
  };
}

function forecastFlaky(facts: ImageFacts): readonly Prediction[] {
  const { rehearsal, now, plan, demand } = facts;
  const ending = rehearsal.attempts.at(-1)?.ending;
  const blobs = ending?.is === 'pulled' ? ending.content.layers + 1 : 1;
  const all = plan.routes.ok ? plan.routes.value : [];
  const routes = all.map(({ authority }) => authority);
  // When a mirror fails, the runtime tries the next host: route-down reports that.
  const mirrors = all.filter(({ role }) => role === 'mirror').map(({ authority }) => authority);
  return hostsOf(facts).flatMap(({ name, recent, okMs, failMs, fault, failed: images = [] }): readonly Prediction[] => {
    // A failure that only one other image meets may be specific to that image.
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
        assuming: 'it continues as in the last requests',
        because: `${failed} of the last ${recent.length} requests for layers to ${name} failed (${fault ?? 'unknown'}): a pull that makes ${blobs} of them fails with a probability of ${pulls} %`,
        remedy: `Ask the operator of ${name}, or of the network path to it; until then, use a mirror that holds the layers.`,
      },
    ];
  });
}

/** The fault as the kubelet would see it: network faults of the blob host appear as a redirect that failed. */
function metAs(fault: FaultCode | undefined): FaultCode {
  return fault?.startsWith('blob.') === true ? fault : 'blob.redirect_failed';
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'its other hosts' : names.slice(0, 3).join(', ');
}
