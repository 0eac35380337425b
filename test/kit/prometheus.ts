/** A real Prometheus (Debian's) on 127.0.0.1 that scrapes every second and evaluates rules as often. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, scratch, start } from './program.ts';

export interface Prometheus extends AsyncDisposable {
  readonly query: (expression: string) => Promise<Queried>;
}

export interface Queried {
  /** Empty where the expression was understood. */
  readonly error: string;
  readonly results: number;
}

export async function prometheus(request: {
  readonly target: string;
  readonly rules: string;
  readonly job: string;
}): Promise<Prometheus> {
  const directory = await scratch('prometheus');
  const port = await freePort();
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [request.rules],
    scrape_configs: [{ job_name: request.job, static_configs: [{ targets: [request.target] }] }],
  };
  await writeFile(join(directory, 'prometheus.yml'), JSON.stringify(config));
  const url = `http://127.0.0.1:${port}`;
  const ready = (): Promise<boolean> =>
    fetch(`${url}/-/ready`).then(
      ({ status }) => status === 200,
      () => false,
    );
  const storage = [`--storage.tsdb.path=${join(directory, 'data')}`, `--web.listen-address=127.0.0.1:${port}`];
  const args = ['--config.file=prometheus.yml', ...storage];
  const program = await start({ command: 'prometheus', args, ready, directory });
  const query = async (expression: string): Promise<Queried> => {
    const response = await fetch(`${url}/api/v1/query`, {
      method: 'POST',
      body: new URLSearchParams({ query: expression }),
    });
    const body = (await response.json()) as { readonly error?: string; readonly data?: { readonly result: unknown } };
    const found = body.data?.result;
    return { error: body.error ?? '', results: Array.isArray(found) ? found.length : 0 };
  };
  return { query, [Symbol.asyncDispose]: program.close };
}
