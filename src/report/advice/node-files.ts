/** Words for the node's own files and for credentials: what the kubelet and the runtime read before they ask anybody. */
import { createSecret, deleteSecret } from './commands.ts';
import { live, place, plain, restart, word } from './phrases.ts';
import type { FaultMessages } from './phrases.ts';

type Codes =
  | 'hosts.unparsable'
  | 'hosts.unreadable'
  | 'hosts.ca_unreadable'
  | 'hosts.client_unreadable'
  | 'hosts.none_may_resolve'
  | 'runtime.misconfigured'
  | 'unit.line_ignored'
  | 'credential.secret_missing'
  | 'credential.secret_ignored'
  | 'credential.malformed'
  | 'credential.provider_failed'
  | 'credential.provider_misconfigured';

export const nodeFileMessages: FaultMessages<Codes> = {
  'hosts.unparsable': {
    meaning: 'A hosts.toml does not parse. containerd ignores it, so its mirrors are not used.',
    next: 'correct hosts.toml',
    shows: 'nothing of its own: containerd logs "failed to decode …/hosts.toml" and goes to the upstream registry',
    cause: ({ file, why }) => `${plain(file)} does not parse, so containerd ignores it and its mirrors: ${plain(why)}.`,
    remedy: ({ file }) => `Correct ${plain(file)}; ${live}.`,
  },
  'hosts.unreadable': {
    meaning: 'The directory of a registry, or its hosts.toml, cannot be read.',
    next: 'make hosts.toml readable',
    shows: '…: stat /etc/containerd/certs.d/H: permission denied',
    cause: ({ file, why }) => `containerd cannot read ${plain(file)}: ${plain(why)}.`,
    remedy: ({ file }) => `Make ${plain(file)} a regular file that root can read, and its directories too; ${live}.`,
  },
  'hosts.ca_unreadable': {
    meaning:
      'A CA file that hosts.toml names cannot be read or holds no certificate. Every host of that registry fails.',
    next: 'mend the CA file',
    shows: '…: unable to load CA cert "FILE", or: unable to read CA cert "FILE": open FILE: no such file or directory',
    cause: ({ file, why }) =>
      `The CA file ${plain(file)} cannot be used, so containerd refuses every host of this registry: ${plain(why)}.`,
    remedy: ({ file }) =>
      `Put the authority's certificate, as PEM, at ${plain(file)}, or take the ca line out of hosts.toml; ${live}.`,
  },
  'hosts.client_unreadable': {
    meaning: 'A client certificate or its key, named in hosts.toml, cannot be read or do not belong together.',
    next: 'mend the client certificate',
    shows: '…: failed to load X509 key pair: …, or: unable to read CERT file "FILE": …',
    cause: ({ file, why }) => `The client certificate or key ${plain(file)} cannot be used: ${plain(why)}.`,
    remedy: ({ file }) =>
      `Put the certificate and its matching key, as PEM, at ${plain(file)}, or take the client line out of hosts.toml; ${live}.`,
  },
  'hosts.none_may_resolve': {
    meaning: 'hosts.toml lets no host turn a tag into a digest.',
    next: 'add "resolve" to hosts.toml',
    shows: '…: no resolve hosts: not found',
    cause: ({ registry, file }) =>
      `No host in ${plain(file)} has the capability resolve, so no tag of ${plain(registry)} can be looked up.`,
    remedy: ({ file }, about) =>
      `Write capabilities = ["pull", "resolve"] in ${plain(file)}, or name the image by digest${place(about)}; ${live}.`,
  },
  'runtime.misconfigured': {
    meaning: "containerd's configuration is such that its image service does not start.",
    next: 'correct config.toml',
    shows: 'rpc error: code = Unimplemented desc = unknown service runtime.v1.ImageService',
    cause: ({ file, why }) => `containerd does not accept ${plain(file)}: ${plain(why)}.`,
    remedy: ({ file }) => `Correct ${plain(file)}, check it with \`containerd config dump\`, ${restart}.`,
  },
  'unit.line_ignored': {
    meaning:
      'systemd ignores a line of a unit file, so the variable or command in it has no effect. Stops no pull by itself.',
    next: 'correct the unit file',
    shows: 'nothing: systemd logs it, and the service runs without it',
    cause: ({ file, line, key, what, why }) =>
      `systemd ignores ${plain(what)} in ${plain(file)}, line ${line} (${plain(key)}=): ${plain(why)}.`,
    remedy: ({ file, line }) =>
      `Correct line ${line} of ${plain(file)}, then run \`systemctl daemon-reload\` and restart the service.`,
  },
  'credential.secret_missing': {
    meaning: 'A pull secret that the Pod names does not exist in its namespace. The kubelet goes on without it.',
    next: 'create the pull secret',
    shows:
      'FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (NAME); attempting to pull the image may not succeed.',
    cause: ({ secret, namespace }) =>
      `The pull secret ${plain(secret)} does not exist in namespace ${plain(namespace)}.`,
    remedy: ({ secret, namespace }, about) =>
      `Create it there, for a Pod cannot use secrets of other namespaces: ${createSecret(about, secret, namespace)}; or correct the name under imagePullSecrets${place(about)}.`,
  },
  'credential.secret_ignored': {
    meaning: 'A pull secret exists, but the kubelet does not use it: wrong type, or the key is missing or empty.',
    next: 'make the secret anew',
    shows: 'nothing of its own: the pull goes on without it, mostly into "pull access denied"',
    cause: ({ secret, namespace, why }) =>
      `The kubelet ignores the pull secret ${plain(namespace)}/${plain(secret)}: ${plain(why)}.`,
    remedy: ({ secret, namespace }, about) =>
      `A secret's type cannot be changed, so make it anew as kubernetes.io/dockerconfigjson: ${deleteSecret(secret, namespace)}, then ${createSecret(about, secret, namespace)}.`,
  },
  'credential.malformed': {
    meaning: 'A pull secret does not decode. The kubelet gives up before any request, even if other secrets are fine.',
    next: 'make the secret anew',
    shows: 'the decoding error as the waiting reason itself, such as: illegal base64 data at input byte 3',
    cause: ({ secret, namespace, why }) =>
      `The pull secret ${plain(namespace)}/${plain(secret)} does not decode (${plain(why)}), and the kubelet gives up before any request.`,
    remedy: ({ secret, namespace }, about) =>
      `Make it anew instead of encoding by hand: ${deleteSecret(secret, namespace)}, then ${createSecret(about, secret, namespace)}.`,
  },
  'credential.provider_failed': {
    meaning: 'A credential provider plugin failed. The kubelet goes on without its credentials.',
    next: "look at the plugin's error",
    shows: "nothing of its own: the kubelet logs it, and the registry's 401 or 403 is shown",
    cause: ({ provider, why }) =>
      `The credential provider ${plain(provider)} failed, and the kubelet goes on without it: ${plain(why)}.`,
    remedy: ({ provider }) =>
      `Read the kubelet's log (\`journalctl -u kubelet | grep ${word(provider, 'PLUGIN')}\`), then mend the plugin's role, network access or arguments.`,
  },
  'credential.provider_misconfigured': {
    meaning:
      "The credential providers' configuration is not valid, or a plugin is missing. The kubelet does not start with it.",
    next: 'correct the provider file',
    shows: 'nothing: the kubelet exits, and the node becomes NotReady',
    cause: ({ file, why }) => `The kubelet would not start with ${plain(file)}: ${plain(why)}.`,
    remedy: ({ file }) =>
      `Correct ${plain(file)} or put the missing plugin into --image-credential-provider-bin-dir, then \`systemctl restart kubelet\`.`,
  },
};
