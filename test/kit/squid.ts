/** Squid as the way out of a network: which names it lets through, and to whom. */
import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, listens, scratch, start, type Program } from './program.ts';

const run = promisify(execFile);

export interface SquidWish {
  /** Host names that get 403. */
  readonly denies?: readonly string[];
  /** Without it, anybody on this machine may pass. */
  readonly user?: readonly [name: string, password: string];
  /** In the form of /etc/hosts: how the proxy resolves names. */
  readonly hosts?: string;
}

export interface Squid extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly program: Program;
  /** Lines of the access log so far. */
  readonly log: () => Promise<string>;
}

export async function squid(request: SquidWish = {}): Promise<Squid> {
  const directory = await scratch('squid');
  const port = await freePort();
  await writeFile(join(directory, 'hosts'), request.hosts ?? '127.0.0.1 localhost\n');
  if (request.user) {
    const { stdout } = await run('htpasswd', ['-nbm', ...request.user]);
    await writeFile(join(directory, 'passwd'), stdout);
    await chmod(join(directory, 'passwd'), 0o644);
  }
  await writeFile(join(directory, 'squid.conf'), configuration(request, directory, port));
  const program = await start({
    command: 'squid',
    args: ['-N', '-f', join(directory, 'squid.conf')],
    ready: () => listens(port),
    directory,
  });
  const log = (): Promise<string> => readFile(join(directory, 'access.log'), 'utf8');
  return { port, url: `http://127.0.0.1:${port}`, program, log, [Symbol.asyncDispose]: program.close };
}

function configuration(request: SquidWish, directory: string, port: number): string {
  return [
    `http_port 127.0.0.1:${port}`,
    `pid_filename none`,
    `cache_log ${join(directory, 'cache.log')}`,
    `logfile_rotate 0`,
    `access_log stdio:${join(directory, 'access.log')}`,
    `coredump_dir ${directory}`,
    `hosts_file ${join(directory, 'hosts')}`,
    `dns_nameservers 127.0.0.1`,
    'dns_timeout 1 second',
    'dns_retransmit_interval 1 second',
    'connect_timeout 2 seconds',
    'forward_timeout 2 seconds',
    'visible_hostname proxy.example.test',
    'max_filedescriptors 1024',
    'cache deny all',
    'cache_mem 1 MB',
    'netdb_filename none',
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
    ...(request.denies?.length ? [`acl denied dstdomain ${request.denies.join(' ')}`, 'http_access deny denied'] : []),
    ...(request.user
      ? [
          `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${join(directory, 'passwd')}`,
          'auth_param basic children 1',
          'acl known proxy_auth REQUIRED',
          'http_access allow known',
          'http_access deny all',
        ]
      : ['http_access allow all']),
    '',
  ].join('\n');
}
