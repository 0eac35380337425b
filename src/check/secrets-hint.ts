/** Pull secrets that were named and could not be seen: said once for all nodes, with what would show them. Pure. */
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#node/view.ts';

const codes: readonly string[] = ['agent.cannot_see', 'agent.not_allowed'];
const most = 5;

/** Only where the verdict hangs on them. */
export function secretsHint(
  demands: readonly Demand[],
  reports: readonly PullReport[],
  files: readonly string[],
): readonly string[] {
  const unseen = new Set(
    reports.flatMap(({ verdict, image, requestedBy }) =>
      verdict.is === 'unknown' && codes.includes(verdict.fault.code) ? [JSON.stringify([image, requestedBy])] : [],
    ),
  );
  const named = demands
    .filter(({ written, requestedBy }) => unseen.has(JSON.stringify([written, requestedBy])))
    .flatMap(({ secrets }) => secrets.filter(({ state }) => state.is === 'unseen'));
  const secrets = [...new Map(named.map((secret) => [`${secret.namespace}/${secret.name}`, secret])).entries()];
  if (secrets.length === 0) return [];
  const listed = secrets.slice(0, most).map(([id]) => id);
  const rest = secrets.length > most ? ` and ${secrets.length - most} more` : '';
  const shows = secrets
    .slice(0, most)
    .map(([, { namespace, name }]) => `kubectl get secret -n ${namespace} ${name} -o yaml; echo ---`)
    .join('; ');
  const file = files[0] === undefined || files[0] === '-' ? 'manifests.yaml' : files[0];
  return [
    `pull secrets that are named and not in the stream, and that the agents may not use for a check: ${listed.join(', ')}${rest}`,
    `to show them: (${shows}; cat ${file}) | drypull check --nodes -f -`,
    `to let the agents read them as they do for Pods: checkSecrets: on in drypull.yaml, and the component pull-secrets (README, "Before you deploy", says what that means)`,
  ];
}
