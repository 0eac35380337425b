/** Imitates kube-apiserver: an HTTP request as its authorizer reads it: verb, group, resource, subresource, namespace, name. */
export interface KubeCall {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** `get core/secrets shop/hub`: one line for each call, for tests that compare sets. */
export function callText(call: KubeCall): string {
  return `${call.verb} ${kindText(call)} ${[call.namespace, call.name].filter(Boolean).join('/')}`.trim();
}

/** `get core/nodes/status`: what a rule in a Role grants. */
export function grantText(call: KubeCall): string {
  return `${call.verb} ${kindText(call)}`;
}

/** `list core/pods in drypull`: the same, where a Role grants it in one namespace. */
export function scopedText(call: KubeCall): string {
  return call.namespace === '' ? grantText(call) : `${grantText(call)} in ${call.namespace}`;
}

function kindText(call: KubeCall): string {
  const group = call.group === '' ? 'core' : call.group;
  return [group, call.resource, call.subresource].filter(Boolean).join('/');
}

export function callOf(method: string, url: URL): KubeCall | undefined {
  const parts = url.pathname.split('/').filter(Boolean).map(decodeURIComponent);
  // The kubelet's own server asks the API server whether the caller may do this (kubelet server/auth.go, 1.33).
  if (url.pathname === '/configz')
    return { verb: 'get', group: '', resource: 'nodes', subresource: 'configz', namespace: '', name: 'node1' };
  const [root, ...rest] = parts;
  if (root !== 'api' && root !== 'apis') return undefined;
  const group = root === 'apis' ? (rest.shift() ?? '') : '';
  rest.shift();
  const namespace = rest[0] === 'namespaces' && rest.length > 2 ? (rest[1] ?? '') : '';
  const [resource = '', name = '', subresource = ''] = namespace === '' ? rest : rest.slice(2);
  return { verb: verbOf(method, url, name), group, resource, subresource, namespace, name };
}

function verbOf(method: string, url: URL, name: string): string {
  if (method === 'POST') return 'create';
  if (method === 'PATCH') return 'patch';
  if (method === 'PUT') return 'update';
  if (method === 'DELETE') return 'delete';
  if (url.searchParams.get('watch') === 'true') return 'watch';
  return name === '' ? 'list' : 'get';
}
