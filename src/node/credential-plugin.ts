/**
 * Runs the kubelet's credential provider plugins as the kubelet does (pkg/credentialprovider/plugin/plugin.go, Kubernetes 1.36):
 * the same request, environment, limit, strict reading of the answer, and cache. A plugin that fails gives no credentials,
 * and what it printed stays unseen, because it may be a secret.
 */
import { spawn } from 'node:child_process';
import { bad, good, type Outcome } from '#report/outcome.ts';
import type { CredentialProvider } from '#kubelet/view.ts';
import type { ProviderAnswer } from './view.ts';
import { readProviderResponse, type ProviderReading, type ProviderResponse } from './provider-response.ts';
import type { ProviderAuth, ProviderCache } from './provider-cache.ts';

export interface PluginDependencies {
  readonly cache: ProviderCache;
  /** The kubelet's URLsMatchStr: whether a pattern covers a repository. */
  readonly matches: (pattern: string, repository: string) => boolean;
  /** The kubelet's environment; the provider's own variables go over it. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The kubelet's limit for one run is one minute. */
  readonly limitMs?: number;
}

const kubeletLimitMs = 60_000;
const maxAnswerBytes = 1024 * 1024;

/** The answers of every provider that matches the repository (registry/path, no tag), in configuration order. */
export async function askProviders(
  providers: readonly CredentialProvider[],
  repository: string,
  means: PluginDependencies,
): Promise<readonly ProviderAnswer[]> {
  const matching = providers.filter(({ matchImages }) =>
    matchImages.some((pattern) => means.matches(pattern, repository)),
  );
  return Promise.all(
    matching.map(async (provider) => {
      const auth = await askOne(provider, repository, means);
      const kept = means.cache.find(provider.name, repository, means.now());
      if (kept === undefined) return { provider: provider.name, auth };
      const { untilMs: keptUntilMs, failing } = kept;
      return { provider: provider.name, auth, keptUntilMs, ...(failing === undefined ? {} : { failing }) };
    }),
  );
}

async function askOne(
  provider: CredentialProvider,
  repository: string,
  means: PluginDependencies,
): Promise<Outcome<ProviderAuth>> {
  if (provider.wantsToken) {
    return bad({
      code: 'agent.not_allowed',
      what: `run the credential provider ${provider.name}, which wants a ServiceAccount token`,
    });
  }
  const { cache, now } = means;
  const kept = cache.find(provider.name, repository, now());
  if (kept?.isDoubtful === false) return good(kept.auth);
  const ran = await cache.once(`${provider.name}\n${repository}`, async () => {
    const response = await answerOf(provider, repository, means);
    if (kept !== undefined) {
      cache.noteTry(provider.name, repository, { now: now(), why: response.ok ? undefined : response.why });
      return good(kept.auth);
    }
    if (!response.ok) return bad({ code: 'credential.provider_failed', provider: provider.name, why: response.why });
    remember(provider, repository, { response: response.value, means });
    return good(response.value.auth);
  });
  return kept === undefined ? ran : good(kept.auth);
}

async function answerOf(
  provider: CredentialProvider,
  repository: string,
  means: PluginDependencies,
): Promise<ProviderReading> {
  const printed = await run(provider, repository, means);
  return printed.ok ? readProviderResponse(printed.text, provider.apiVersion) : printed;
}

/** Zero means not at all; an absent duration means the configured one. */
function remember(
  provider: CredentialProvider,
  repository: string,
  { response, means }: { response: ProviderResponse; means: PluginDependencies },
): void {
  const keepMs = response.cacheMs ?? provider.defaultCacheS * 1000;
  if (keepMs <= 0) return;
  const now = means.now();
  means.cache.keep(
    { provider: provider.name, repository, scope: response.cacheKeyType, auth: response.auth },
    { now, keepMs },
  );
}

type Printed = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

/** Node throws what it does not report, such as a binary of another architecture (ENOEXEC) or a NUL in an argument. */
async function run(provider: CredentialProvider, repository: string, means: PluginDependencies): Promise<Printed> {
  try {
    return await runOnce(provider, repository, means);
  } catch (error) {
    return { ok: false, why: `it could not be started (${codeOf(error)})` };
  }
}

function runOnce(provider: CredentialProvider, repository: string, means: PluginDependencies): Promise<Printed> {
  const limitMs = means.limitMs ?? kubeletLimitMs;
  const env: Record<string, string> = { ...means.env };
  for (const { name, value } of provider.env) env[name] = value;
  const request = { kind: 'CredentialProviderRequest', apiVersion: provider.apiVersion, image: repository };
  return new Promise<Printed>((resolve) => {
    const child = spawn(provider.binary, provider.args, { env, cwd: '/', stdio: ['pipe', 'pipe', 'ignore'] });
    const pieces: Buffer[] = [];
    let bytes = 0;
    let overrun: string | undefined;
    // A grandchild may hold the pipe open, so the end of the plugin is not waited for once it is over.
    const stop = (why: string): void => {
      overrun ??= why;
      child.kill('SIGKILL');
      child.stdout.destroy();
      settle({ ok: false, why });
    };
    const timer = setTimeout(() => stop(`it did not answer within ${limitMs} ms`), limitMs);
    const settle = (printed: Printed): void => {
      clearTimeout(timer);
      resolve(printed);
    };
    child.stdout.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > maxAnswerBytes) stop(`it answered with more than ${maxAnswerBytes} bytes`);
      else pieces.push(piece);
    });
    // A plugin that ends without reading its request is judged by its answer.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${JSON.stringify(request)}\n`);
    child.on('error', (error) => settle({ ok: false, why: `it could not be started (${codeOf(error)})` }));
    child.on('close', (code, signal) => {
      if (code === 0) settle({ ok: true, text: Buffer.concat(pieces).toString('utf8') });
      else
        settle({
          ok: false,
          why: code === null ? `it was ended by ${signal ?? 'a signal'}` : `it ended with exit code ${code}`,
        });
    });
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
