/** What people use today: skopeo asks for one image at a time, blackbox_exporter's http prober for one URL at a time. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { installed } from '../test/kit/installed.ts';
import { freePort, listens, scratch, start } from '../test/kit/program.ts';
import type { Target } from './fields.ts';
import { atOnce, each } from './pace.ts';

const run = promisify(execFile);

export interface Other extends AsyncDisposable {
  readonly name: string;
  readonly ask: (targets: readonly Target[]) => Promise<void>;
}

export function skopeo(caFile: string): Other | undefined {
  const command = installed('skopeo');
  if (command === undefined) return undefined;
  const inspect = ({ loopback, repository, tag }: Target): Promise<unknown> =>
    run(command, ['inspect', '--no-tags', `docker://${loopback}/${repository}:${tag}`], {
      env: { SSL_CERT_FILE: caFile, HOME: '/nonexistent' },
      timeout: 30_000,
    });
  return {
    name: 'skopeo inspect',
    ask: (targets) => each(targets, atOnce, inspect),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

export async function blackbox(caFile: string, write: (name: string, text: string) => Promise<string>) {
  const command = installed('prometheus-blackbox-exporter') ?? installed('blackbox_exporter');
  if (command === undefined) return undefined;
  const http = { method: 'HEAD', preferred_ip_protocol: 'ip4', tls_config: { ca_file: caFile } };
  const module = { prober: 'http', timeout: '10s', http };
  const config = await write('blackbox.yml', JSON.stringify({ modules: { registry: module } }));
  const port = await freePort();
  const program = await start({
    command,
    args: [`--config.file=${config}`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'],
    ready: () => listens(port),
    directory: await scratch('blackbox'),
  });
  const dispatcher = new Agent();
  const probe = async ({ loopback, repository, tag }: Target): Promise<void> => {
    const target = encodeURIComponent(`https://${loopback}/v2/${repository}/manifests/${tag}`);
    const url = `http://127.0.0.1:${port}/probe?module=registry&target=${target}`;
    const text = await (await request(url, { dispatcher })).body.text();
    if (!/^probe_success 1$/m.test(text)) throw new Error(`blackbox_exporter: ${target} was not probed`);
  };
  const other: Other = {
    name: 'blackbox_exporter, http',
    ask: (targets) => each(targets, atOnce, probe),
    [Symbol.asyncDispose]: async () => {
      await dispatcher.close();
      await program.close();
    },
  };
  return other;
}
