/** What `kubectl kustomize` makes of manifests/, as objects. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { type Json, object, text } from './fake-kube-json.ts';
import { installed } from './installed.ts';

const manifests = fileURLToPath(new URL('../../manifests', import.meta.url));

/** What a component is laid over. */
const beneath: Readonly<Record<string, readonly string[]>> = { 'catalog-nodes': ['catalog'] };

/** The base with these components, and those that they need. */
export function renderedWith(wanted: readonly string[]): readonly Json[] {
  const components = [...new Set(wanted.flatMap((one) => [...(beneath[one] ?? []), one]))];
  const directory = mkdtempSync(join(tmpdir(), 'drypull-kustomize-'));
  try {
    const from = (path: string): string => relative(directory, join(manifests, path));
    const kustomization = {
      resources: [from('base')],
      components: components.map((component) => from(`components/${component}`)),
    };
    writeFileSync(join(directory, 'kustomization.yaml'), JSON.stringify(kustomization));
    return render(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export function renderedOverlay(name: string): readonly Json[] {
  return renderedFolder(join('overlays', name));
}

/** A folder of manifests/ that has a kustomization.yaml. */
export function renderedFolder(path: string): readonly Json[] {
  return render(join(manifests, path));
}

function render(directory: string): readonly Json[] {
  const yaml = execFileSync(installed('kubectl') ?? 'kubectl', ['kustomize', directory], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return parseAllDocuments(yaml).map((document) => object(document.toJS()));
}

export function ofKind(objects: readonly Json[], kind: string): readonly Json[] {
  return objects.filter((one) => text(one, 'kind') === kind);
}

/** The roles that are bound to a ServiceAccount. */
export function rolesOf(objects: readonly Json[], kind: 'ClusterRole' | 'Role', account: string): readonly Json[] {
  const bound = ofKind(objects, `${kind}Binding`)
    .filter((binding) => listOf(binding['subjects']).some(({ name }) => name === account))
    .map((binding) => text(binding, 'roleRef', 'name'));
  return ofKind(objects, kind).filter((role) => bound.includes(text(role, 'metadata', 'name')));
}

/** `get core/secrets` for each verb, group and resource of the rules. */
export function grantsOf(roles: readonly Json[]): readonly string[] {
  return roles.flatMap((role) =>
    listOf(role['rules']).flatMap((rule) =>
      stringsOf(rule['apiGroups']).flatMap((group) =>
        stringsOf(rule['resources']).flatMap((resource) =>
          stringsOf(rule['verbs']).map((verb) => `${verb} ${group === '' ? 'core' : group}/${resource}`),
        ),
      ),
    ),
  );
}

export function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}

function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
