/** Puts a Pod's question to drypull's own command line, as a user would: a manifest, a node's root, a runtime. */
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PullReport } from '#report/report.ts';
import { scratch } from './program.ts';

const run = promisify(execFile);
const project = join(import.meta.dirname, '../..');

export interface Question {
  readonly image: string;
  /** In a pull secret of the Pod's, under the image's registry. */
  readonly user?: readonly [name: string, password: string];
  /** The node's root: etc/ and what else is read there. */
  readonly root: string;
  /** `containerd://1.6.20` */
  readonly runtime: string;
}

/** The one report of `drypull check -f POD.yaml --output json`. */
export async function askDrypull(question: Question): Promise<PullReport> {
  const directory = await scratch('question');
  const pod = join(directory, 'pod.yaml');
  await writeFile(pod, manifest(question));
  const args = ['--host-root', question.root, '--runtime', question.runtime, '--output', 'json'];
  const command = [join(project, 'src/main.ts'), 'check', '-f', pod, ...args];
  // Exit code 1 says that an image fails: an answer, like 0.
  const { stdout } = await run(process.execPath, command, { env: {}, timeout: 60_000 })
    .catch((problem: unknown) => {
      if (problem instanceof Error && 'stdout' in problem && problem.stdout !== '') return problem as unknown as Said;
      throw problem;
    })
    .finally(() => rm(directory, { recursive: true, force: true }));
  const { reports } = JSON.parse(stdout) as { reports: readonly PullReport[] };
  const [report] = reports;
  if (!report) throw new Error(`no report about ${question.image}: ${stdout}`);
  return report;
}

interface Said {
  readonly stdout: string;
}

/** JSON documents are YAML documents. */
function manifest({ image, user }: Question): string {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app', namespace: 'shop' },
    spec: { containers: [{ name: 'app', image }], ...(user ? { imagePullSecrets: [{ name: 'registry' }] } : {}) },
  };
  const [username, password] = user ?? [];
  const auths = { auths: { [image.slice(0, image.indexOf('/'))]: { username, password } } };
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'registry', namespace: 'shop' },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify(auths)).toString('base64') },
  };
  return [pod, ...(user ? [secret] : [])].map((document) => JSON.stringify(document)).join('\n---\n');
}
