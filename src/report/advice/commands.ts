/** The commands that a remedy offers, filled in as far as the facts go. Whatever is no plain word becomes a placeholder: people paste these. */
import { hostIn, namespaceOf, place, word } from './phrases.ts';
import type { About } from './phrases.ts';
import { registryAt } from './registries.ts';

/** The key under which the kubelet finds a registry's credentials. */
function serverKey(registry: string | undefined): string {
  return registryAt(registry)?.serverKey ?? word(registry === undefined ? undefined : hostIn(registry), 'REGISTRY');
}

export function createSecret(about: About, name?: string, namespace?: string): string {
  const into = word(namespace, namespaceOf(about));
  const called = word(name, 'pull-secret');
  return `\`kubectl -n ${into} create secret docker-registry ${called} --docker-server=${serverKey(about.registry)} --docker-username=USER --docker-password=PASSWORD\``;
}

export function deleteSecret(name: string, namespace: string): string {
  return `\`kubectl -n ${word(namespace, 'NAMESPACE')} delete secret ${word(name, 'SECRET')}\``;
}

/** New Pods of the ServiceAccount get the secret at admission; those that exist do not. */
export function attachSecret(about: About, name = 'pull-secret'): string {
  const patch = `'{"imagePullSecrets":[{"name":"${word(name, 'SECRET')}"}]}'`;
  const command = `\`kubectl -n ${namespaceOf(about)} patch serviceaccount default -p ${patch}\``;
  return `Then name it under imagePullSecrets${place(about)}, or give it to every new Pod: ${command}.`;
}
