/**
 * Kubernetes' own kube-apiserver on 127.0.0.1, with RBAC, an audit log and an etcd behind it. No kubelet, no controllers: a test
 * does by hand what those would do. Neither program is looked for unless named: KUBE_APISERVER=/path ETCD=/path.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ask } from './ask.ts';
import { authority, type Authority } from './authority.ts';
import { type Json, object, text } from './fake-kube-json.ts';
import { freePort, scratch, start, type Program } from './program.ts';

const apiserverProgram = process.env['KUBE_APISERVER'];
const etcdProgram = process.env['ETCD'];

/** True where both are named. No package holds a kube-apiserver, so that leaving it out fails nowhere; it is said aloud. */
export function hasKubeApiserver(): boolean {
  if (apiserverProgram !== undefined && etcdProgram !== undefined) return true;
  process.stderr.write(
    '\n!!! a real API server is left out: KUBE_APISERVER=/path/to/kube-apiserver ETCD=/path/to/etcd\n',
  );
  return false;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export interface Told {
  readonly status: number;
  readonly body: Json;
}

/** One request that the audit log holds. */
export interface Audited {
  readonly verb: string;
  readonly user: string;
  readonly code: number;
  readonly uri: string;
  /** As a rule in a Role would name it: `core/nodes/status`; empty for a path that is no resource. */
  readonly resource: string;
}

export class KubeApiserver implements AsyncDisposable {
  readonly url: string;
  readonly ca: string;
  /** A certificate that the cluster's CA signed. */
  readonly issue: Authority['issue'];
  readonly #directory: string;
  readonly #etcd: Program;
  readonly #etcdUrl: string;
  readonly #args: readonly string[];
  #program: Program | undefined;

  private constructor(made: Made) {
    this.url = made.url;
    this.ca = made.authority.cert;
    this.issue = made.authority.issue;
    this.#directory = made.directory;
    this.#etcd = made.etcd;
    this.#etcdUrl = made.etcdUrl;
    this.#args = made.args;
  }

  static async open(): Promise<KubeApiserver> {
    const server = new KubeApiserver(await make());
    await server.begin();
    return server;
  }

  /** Also after `end`: with the same address, certificate and etcd. */
  async begin(): Promise<void> {
    this.#program = await start({
      command: apiserverProgram ?? '',
      args: this.#args,
      ready: async () => {
        const shown = await ask(`${this.url}/readyz`, this.#request(adminToken)).catch(() => undefined);
        return shown?.status === 200;
      },
      directory: await scratch('kube-apiserver-run'),
      patienceMs: 90_000,
    });
  }

  /** At once and without a word to its clients. */
  async end(): Promise<void> {
    await this.#program?.close();
  }

  async publish(
    method: Method,
    path: string,
    request: { body?: unknown; type?: string; as?: string } = {},
  ): Promise<Told> {
    const { body, type = 'application/json', as = adminToken } = request;
    const { headers, tls } = this.#request(as);
    const shown = await ask(`${this.url}${path}`, {
      method,
      tls,
      headers: { ...headers, 'content-type': type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: shown.status, body: object(JSON.parse(shown.body.toString())) };
  }

  /** As the cluster's administrator; throws unless it was done. */
  async admin(method: Method, path: string, body?: unknown): Promise<Json> {
    const type = method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json';
    const shown = await this.publish(method, path, { body, type });
    if (shown.status >= 300) throw new Error(`${method} ${path}: ${shown.status} ${text(shown.body, 'message')}`);
    return shown.body;
  }

  /** A short-lived token, as a kubelet asks for one for a Pod. */
  async tokenOf(namespace: string, serviceAccount: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
    return text(
      await this.admin('POST', path, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }),
      'status',
      'token',
    );
  }

  /** The path of a kubeconfig; without a token it is the administrator's. */
  async kubeconfig(token = adminToken): Promise<string> {
    const cluster = { server: this.url, 'certificate-authority-data': Buffer.from(this.ca).toString('base64') };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    const path = join(this.#directory, `kubeconfig-${randomUUID()}`);
    await writeFile(path, JSON.stringify(config));
    return path;
  }

  async version(): Promise<string> {
    return text(await this.admin('GET', '/version'), 'gitVersion');
  }

  /** Every finished request and every watch that began, since the first start, oldest first. */
  async audited(): Promise<readonly Audited[]> {
    const lines = (await readFile(join(this.#directory, 'audit.log'), 'utf8')).split('\n').filter(Boolean);
    return lines.map((line) => auditedOf(object(JSON.parse(line))));
  }

  /** One call of etcd's own, behind the API server's back. */
  async etcd(call: 'kv/put' | 'kv/deleterange' | 'kv/compaction', body: Json): Promise<number> {
    const shown = await ask(`${this.#etcdUrl}/v3/${call}`, { method: 'POST', body: JSON.stringify(body) });
    if (shown.status !== 200) throw new Error(`etcd ${call}: ${shown.body.toString()}`);
    return Number(text(JSON.parse(shown.body.toString()), 'header', 'revision'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.#etcd.close();
  }

  #request(token: string): { headers: Record<string, string>; tls: { ca: string } } {
    return { headers: { authorization: `Bearer ${token}` }, tls: { ca: this.ca } };
  }
}

const adminToken = 'the-token-of-the-administrator';

interface Made {
  readonly url: string;
  readonly authority: Authority;
  readonly directory: string;
  readonly etcd: Program;
  readonly etcdUrl: string;
  readonly args: readonly string[];
}

async function make(): Promise<Made> {
  const [port, clientPort, peerPort] = [await freePort(), await freePort(), await freePort()];
  const directory = await scratch('kube-apiserver');
  const [etcdUrl, peerUrl] = [`http://127.0.0.1:${clientPort}`, `http://127.0.0.1:${peerPort}`];
  const etcd = await start({
    command: etcdProgram ?? '',
    args: [
      ...['--data-dir', join(directory, 'etcd'), '--unsafe-no-fsync', '--log-level', 'warn'],
      ...['--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', `default=${peerUrl}`],
    ],
    ready: () =>
      ask(`${etcdUrl}/health`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    directory,
  });
  const ca = await authority('Kubernetes Test CA');
  const pair = await ca.issue({ names: ['127.0.0.1'] });
  const signing = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const files = {
    'ca.pem': ca.cert,
    'cert.pem': pair.cert,
    'key.pem': pair.key,
    'sa.key': signing.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'sa.pub': signing.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    'tokens.csv': `${adminToken},admin,admin,"system:masters"\n`,
    'audit.yaml':
      'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
  const at = (name: keyof typeof files | 'audit.log' | 'certs'): string => join(directory, name);
  const args = [
    ...['--etcd-servers', etcdUrl, '--secure-port', String(port), '--bind-address', '127.0.0.1'],
    // What a cluster needs and one server on loopback does not.
    ...['--advertise-address', '127.0.0.1', '--endpoint-reconciler-type', 'none'],
    ...['--tls-cert-file', at('cert.pem'), '--tls-private-key-file', at('key.pem'), '--cert-dir', at('certs')],
    ...['--service-account-issuer', 'https://kubernetes.default.svc', '--service-account-key-file', at('sa.pub')],
    ...['--service-account-signing-key-file', at('sa.key'), '--service-cluster-ip-range', '10.96.0.0/24'],
    ...['--authorization-mode', 'RBAC', '--token-auth-file', at('tokens.csv')],
    ...['--audit-policy-file', at('audit.yaml'), '--audit-log-path', at('audit.log')],
  ];
  return { url: `https://127.0.0.1:${port}`, authority: ca, directory, etcd, etcdUrl, args };
}

function auditedOf(event: Json): Audited {
  const { apiGroup: group = '', resource: kind = '', subresource = '' } = object(event['objectRef'] ?? {});
  const parts = [group === '' ? 'core' : group, kind, subresource].map(String).filter(Boolean);
  return {
    verb: text(event, 'verb'),
    user: text(event, 'user', 'username'),
    code: Number(object(event['responseStatus'] ?? {})['code'] ?? 0),
    uri: text(event, 'requestURI'),
    resource: kind === '' ? '' : parts.join('/'),
  };
}
