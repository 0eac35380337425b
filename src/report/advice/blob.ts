/** Words for layers and configurations, for faults that have another fault as their cause, and for what drypull itself cannot tell. */
import type { Fault } from '#report/fault.ts';
import { hostIn, plain, quoted, seconds } from './phrases.ts';
import type { About, FaultMessages } from './phrases.ts';
import { proxyFile, reload, withoutUser } from './network.ts';
import { allow } from './registries.ts';

type Codes =
  | 'proxy.unreachable'
  | 'auth.realm_unreachable'
  | 'blob.missing'
  | 'blob.denied'
  | 'blob.unavailable'
  | 'blob.unreachable'
  | 'blob.redirect_failed'
  | 'blob.interrupted'
  | 'blob.digest_mismatch'
  | 'agent.not_allowed'
  | 'agent.spends_quota'
  | 'agent.over_budget'
  | 'agent.distrusts_realm'
  | 'agent.cannot_see'
  | 'agent.out_of_time'
  | 'agent.unreachable'
  | 'agent.bug';

/** How the fault within a fault is told, by the door that knows them all. */
export interface Inner {
  cause(fault: Fault, about: About): string;
  remedy(fault: Fault, about: About): string;
}

export function blobMessages(inner: Inner): FaultMessages<Codes> {
  const about = (host: string): About => ({ registry: hostIn(host), requestedBy: [] });
  return {
    'proxy.unreachable': {
      meaning: 'The proxy that the runtime is told to use cannot be reached.',
      next: 'mend the proxy, or its address',
      shows: '…: proxyconnect tcp: dial tcp 10.0.0.8:3128: connect: connection refused',
      cause: ({ proxy, cause }) =>
        `The proxy ${withoutUser(proxy)} cannot be reached. ${inner.cause(cause, about(proxy))}`,
      remedy: ({ proxy }) =>
        `Start the proxy, or correct HTTPS_PROXY and NO_PROXY in ${proxyFile} (${withoutUser(proxy)} stands there now), ${reload}.`,
    },
    'auth.realm_unreachable': {
      meaning: "The registry's token service, often another host, cannot be reached.",
      next: 'let the node reach the token service',
      shows: '…: failed to authorize: failed to fetch anonymous token: Get "REALM": dial tcp: lookup … no such host',
      cause: ({ realm, cause }) =>
        `The token service ${plain(realm)} cannot be reached. ${inner.cause(cause, about(realm))}`,
      remedy: ({ realm, cause }) =>
        `${inner.remedy(cause, about(realm))} Or correct the realm that the registry announces (${plain(realm)}).`,
    },
    'blob.missing': {
      meaning: 'The manifest names a layer or configuration that the registry does not have.',
      next: 'push the image again',
      shows:
        '…: failed to copy: httpReadSeeker: failed open: content at https://H/v2/…/blobs/sha256:… not found: not found',
      cause: ({ digest, host, mediaType }) =>
        `${plain(host)} has the manifest, but not ${plain(digest)} (${plain(mediaType)}), which it names.`,
      remedy: () =>
        'Push the image again, from where it was built: the push broke off, or a clean-up removed too much. If a mirror lacks it, empty its cache.',
    },
    'blob.denied': {
      meaning: 'The registry, or its storage, refuses a layer or configuration.',
      next: 'look at the storage permissions',
      shows:
        '…: failed to copy: httpReadSeeker: failed open: unexpected status from GET request to https://…: 403 Forbidden',
      cause: ({ digest, host, status }) => `${plain(host)} answers ${status} for ${plain(digest)}.`,
      remedy: ({ host }) =>
        `Look at the permissions, clock and network rules of the storage at ${plain(host)}: signed addresses fail there by a wrong clock, an endpoint policy or a web firewall.${allow(host)}`,
    },
    'blob.unavailable': {
      meaning: 'The storage of the registry answers that it is out of order.',
      next: 'wait, or ask its operator',
      shows:
        '…: failed to copy: httpReadSeeker: failed open: unexpected status from GET request to https://…: 503 Service Unavailable',
      cause: ({ digest, host, status }) => `${plain(host)} answers ${status} for ${plain(digest)}.`,
      remedy: ({ host }) =>
        `The kubelet tries again by itself, at most every five minutes. Look at the storage behind ${plain(host)}.`,
    },
    'blob.unreachable': {
      meaning: 'The host that serves the layers cannot be reached.',
      next: 'let the node reach the blob host',
      shows:
        '…: failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://H/v2/…/blobs/…": dial tcp …: i/o timeout',
      cause: ({ digest, host, cause }) =>
        `The layers' host ${plain(host)} cannot be reached for ${plain(digest)}. ${inner.cause(cause, about(host))}`,
      remedy: ({ host, cause }) => inner.remedy(cause, about(host)),
    },
    'blob.redirect_failed': {
      meaning: 'The registry redirects layers to another host, and that one fails.',
      next: 'let the node reach the blob host',
      shows:
        '…: failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://CDN/…": dial tcp: lookup CDN on …: no such host',
      cause: ({ host, target, cause }) =>
        `${plain(host)} redirects layers to ${hostIn(target)}, and that fails. ${inner.cause(cause, about(target))}`,
      remedy: ({ target, cause }, { registry }) =>
        `Let the node reach ${hostIn(target)} too: names, firewall, proxy and trust apply to it separately. ${inner.remedy(cause, about(target))}${allow(registry)}`,
    },
    'blob.interrupted': {
      meaning: 'A layer or configuration breaks off before its end.',
      next: 'look for what cuts it off',
      shows: '…: short read: expected N bytes but got M: unexpected EOF',
      cause: ({ digest, host, gotBytes, expectedBytes }) =>
        `${plain(host)} sent ${gotBytes} of ${expectedBytes} bytes of ${plain(digest)} and broke off.`,
      remedy: ({ host }) =>
        `Look for time or size limits in proxies and load balancers before ${plain(host)}; if the stored file is too short, push the image again.`,
    },
    'blob.digest_mismatch': {
      meaning: 'A layer or configuration is not what its digest says.',
      next: 'push the image again',
      shows:
        '…: failed commit on ref "layer-sha256:…": unexpected commit digest sha256:A, expected sha256:B: failed precondition',
      cause: ({ digest, host, got }) => `${plain(host)} was asked for ${plain(digest)} and sent ${plain(got)}.`,
      remedy: ({ host }) =>
        `Its copy at ${plain(host)} is damaged: push the image again, and empty the caches between. A proxy that changes downloads (virus scanner) does the same.`,
    },
    'agent.not_allowed': {
      meaning: 'drypull may not do what it would have to do, such as read a pull secret.',
      next: 'allow it, or leave it open',
      shows: 'nothing: whether the kubelet succeeds depends on what could not be seen',
      cause: ({ what }) => `drypull may not do this: ${plain(what)}.`,
      remedy: () =>
        'Give it what it lacks: the Secret in the same stream (-f) as the Pod, --pull-secret FILE for a bare image, or the pull-secrets component for the agent.',
    },
    'agent.spends_quota': {
      meaning: 'Telling more would cost a pull quota that belongs to the kubelet.',
      next: 'ask with --spend',
      shows: 'nothing: the kubelet was not imitated up to this point',
      cause: ({ host, what }) => `${plain(host)} counts what it serves, and ${plain(what)}.`,
      remedy: () => 'Where one counted request is no harm, `drypull check --spend` makes it.',
    },
    'agent.over_budget': {
      meaning: 'A mirror failed, and the share of requests to the registry behind it is used up for now.',
      next: 'mend the mirror, or wait for its turn',
      shows: 'nothing: the runtime goes on to the next host, and how that would answer is not known yet',
      cause: ({ registry }) =>
        `The hosts before it failed, and this agent's share of what the fleet may ask of ${plain(registry)} is used up for now.`,
      remedy: ({ registry }) =>
        `Mend the mirror that failed. Where ${plain(registry)} bears more, raise requestsPerMinute; \`drypull check\` asks at once.`,
    },
    'agent.distrusts_realm': {
      meaning: 'The registry names a token service to which drypull sends no password.',
      next: 'correct the token service',
      shows: 'nothing certain: the runtime would send the password there',
      cause: ({ realm, why }) => `The registry sends logins to ${plain(realm)}, and ${plain(why)}.`,
      remedy: ({ realm }) =>
        `Have the registry's owner correct its token service (now ${plain(realm)}); until then the kubelet sends its password there.`,
    },
    'agent.cannot_see': {
      meaning: 'drypull cannot see something that decides the pull, such as a Secret that was not given.',
      next: 'show it to drypull',
      shows: 'nothing: whether the kubelet succeeds depends on what could not be seen',
      cause: ({ what, why }) => `drypull cannot see ${plain(what)}: ${plain(why)}.`,
      remedy: ({ what, how }) =>
        how !== undefined
          ? plain(how)
          : `Show it ${plain(what)}: a Secret in the same stream (-f) as the Pod, a file with --host-root, or an API object by the agent's permissions.`,
    },
    'agent.out_of_time': {
      meaning: 'The rehearsal ran out of time before the kubelet would have.',
      next: 'give it more time',
      shows: 'nothing: the kubelet has no time limit of its own here',
      cause: ({ step, afterMs }) => `The rehearsal ran out of time at ${plain(step)}, after ${seconds(afterMs)}.`,
      remedy: () =>
        'Try again, with a longer --timeout. If it ends here each time, the step that it names hangs for the kubelet too.',
    },
    'agent.unreachable': {
      meaning: 'The agent of a node did not answer `drypull check --nodes`.',
      next: "look at that node's agent",
      shows: 'nothing: nobody on the node was asked',
      cause: ({ node, why }) => `The agent of node ${plain(node)} gave no answer: ${plain(why)}.`,
      remedy: ({ node }) =>
        `See whether it runs: \`kubectl get pods -A -o wide -l app.kubernetes.io/name=drypull --field-selector spec.nodeName=${plain(node)}\`. A node that is slow is given more time with --node-timeout.`,
    },
    'agent.bug': {
      meaning: 'drypull itself failed. It says nothing about the image.',
      next: 'report it',
      shows: 'nothing: this is drypull, not the kubelet',
      cause: ({ where, what }) => `drypull failed in ${plain(where)}.${quoted(what)}`,
      remedy: () =>
        'Report it with the output of `drypull check -v`. The verdict is unknown; other images are not affected.',
    },
  };
}
