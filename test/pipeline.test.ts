import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readCommandLine } from '#commands/command-line.ts';
import { fleetAgent } from './kit/fleet-agent.ts';
import { fleetWorld } from './kit/fleet-world.ts';
import { type Json, at, object, text } from './kit/fake-kube-json.ts';
import { askerGrants } from './kit/kube-grants.ts';
import { scratch } from './kit/program.ts';
import { grantsOf, listOf } from './kit/rendered.ts';

const top = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(top, path), 'utf8');
const documents = (path: string): readonly Json[] =>
  parseAllDocuments(read(path)).map((document) => object(document.toJS()));
const run = promisify(execFile);

interface Ended {
  readonly code: number;
  readonly stdout: string;
}

test('the asker may do what asking takes, and nothing else', () => {
  const roles = documents('manifests/asker/rbac.yaml').filter((one) => /Role$/.test(text(one, 'kind')));
  expect([...grantsOf(roles)].toSorted()).toEqual([...askerGrants].toSorted());
});

test('only the list of Nodes is for the whole cluster', () => {
  const [cluster] = documents('manifests/asker/rbac.yaml').filter((one) => one['kind'] === 'ClusterRole');
  expect(grantsOf(cluster === undefined ? [] : [cluster])).toEqual(['list core/nodes']);
});

describe('the Job before a deployment', () => {
  const [manifests = {}, job = {}] = documents('manifests/pipeline/job.yaml');
  const container = listOf(at(job, 'spec', 'template', 'spec', 'containers'))[0] ?? {};

  test('is a hook of Helm and of Argo CD, after the manifests that it reads', () => {
    expect(at(job, 'metadata', 'annotations')).toMatchObject({
      'helm.sh/hook': 'pre-install,pre-upgrade',
      'argocd.argoproj.io/hook': 'PreSync',
    });
    const weights = [manifests, job].map((one) => at(one, 'metadata', 'annotations')).map(object);
    expect(weights.map((one) => one['helm.sh/hook-weight'])).toEqual(['-10', '-5']);
    expect(weights.map((one) => one['argocd.argoproj.io/sync-wave'])).toEqual(['-10', '-5']);
  });

  test.each([
    ['that all pull lets the deployment begin', 'pulls', 0],
    ['that one does not stops it', 'refused', 2],
  ])('%s', async (_what, is, code) => {
    await using agent = await fleetAgent();
    const ending = is === 'pulls' ? agent.ending : ({ is: 'refused' } as const);
    await using world = await fleetWorld([{ name: 'node-1', agent: ending }]);
    const directory = await scratch('job');
    const file = join(directory, 'manifests.yaml');
    await writeFile(file, text(manifests, 'data', 'manifests.yaml'));
    // The image's own node and bundle, its mount, and no five minutes.
    const here = new Map([
      ['/usr/local/bin/node', process.execPath],
      ['/drypull/drypull.mjs', join(top, 'src/main.ts')],
      ['/check/manifests.yaml', file],
      ['5m', '10ms'],
    ]);
    const [command = '', ...arguments_] = [...strings(container['command']), ...strings(container['args'])].map(
      (word) => here.get(word) ?? word,
    );
    const ended = await endingOf(run(command, arguments_, { env: { KUBECONFIG: world.kubeconfig } }));
    await rm(directory, { recursive: true });
    expect(ended.code).toBe(code);
    expect(ended.stdout).toContain('registry.example.com/shop/web:1');
  });
});

describe('a command line that is shown to be copied', () => {
  const shown = [
    ['manifests/pipeline/github-actions.yaml', scriptOf(read('manifests/pipeline/github-actions.yaml'))],
    ['manifests/pipeline/gitlab-ci.yaml', scriptOf(read('manifests/pipeline/gitlab-ci.yaml'))],
    ['README.md', /## Before you deploy\n[\s\S]*?```\n([\s\S]*?)```/.exec(read('README.md'))?.[1] ?? ''],
  ] as const;

  test.each(shown)('%s: each call of check is one that is understood', (_path, script) => {
    const calls = [...script.matchAll(/(?:drypull(?:\.mjs)?)\s+(check [^|>;&#\n]*)/g)].map(([, call = '']) =>
      call.trim(),
    );
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) {
      const arguments_ = call.replace(/"\$\w+"/g, 'x').split(/\s+/);
      expect(readCommandLine(arguments_, '0'), call).toMatchObject({
        run: /-nodes/.test(call) ? 'check nodes' : 'check',
      });
    }
  });
});

/** What the job runs, with its lines joined. */
function scriptOf(yaml: string): string {
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === 'string' && value.includes('check --nodes')) found.push(value);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
  };
  walk(parse(yaml));
  return found.join('\n').replace(/\\\n\s*/g, ' ');
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

async function endingOf(running: Promise<{ readonly stdout: string }>): Promise<Ended> {
  try {
    return { code: 0, stdout: (await running).stdout };
  } catch (error) {
    const { code, stdout } = error as Ended;
    return { code, stdout };
  }
}
