/**
 * Makes dist/main.mjs, one ESM file without dependencies, and dist/drypull.mjs, which starts it: what the image and the npm
 * package ship. The licences of the packages in it go to dist/LICENSES.txt, licence comments to dist/main.mjs.LEGAL.txt. Usage: node bundle.js [entry] [outfile]
 * METAFILE=path keeps what esbuild says of the bundle's inputs.
 *
 * Resident memory is paid on every node, so what is never called is left out. `npm run bench` says what is left.
 */
import { chmod, copyFile, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { buildDefine } from './scripts/build-info.ts';
import { licenseTexts } from './scripts/bundled.ts';

const [entry = 'src/main.ts', outfile = 'dist/main.mjs'] = process.argv.slice(2);

/** Parts of packages by who asks for them, and as what. */
const unused = [
  // Only KubeConfig is used, to find the API server and who we are. Of the rest, 400 generated models took 15 MiB.
  {
    by: /@kubernetes\/client-node/,
    path: /^(socks|openid-client|isomorphic-ws|ws|tar-fs|stream-buffers|jsonpath-plus)$|\/gen\/index\.js$/,
  },
  // undici: clients and agents without fetch, WebSocket, caches, mocks, HTTP/2 and its second parser.
  {
    by: /\/undici\/index\.js$/,
    path: /\/lib\/(mock|interceptor|cache|web)\/|\/lib\/web\/fetch$|\/dispatcher\/(balanced|round-robin|h2c|dispatcher1|.*proxy-agent|retry)/,
  },
  { by: /\/undici\//, path: /(client-h2|\/milo\/.*)\.js$/ },
  // prom-client: nothing that loads node:cluster; pino: no worker threads.
  { by: /\/prom-client\/index\.js$/, path: /\/lib\/(cluster|defaultMetrics|pushgateway)$/ },
  { by: /\/pino\//, path: /^thread-stream$/ },
];

const slim = {
  name: 'slim',
  setup(building) {
    building.onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ kind }) =>
      building.resolve('./node_modules/@kubernetes/client-node/dist/config.js', { resolveDir: process.cwd(), kind }),
    );
    building.onResolve({ filter: /./ }, ({ path, importer }) =>
      unused.some((part) => part.by.test(importer) && part.path.test(path))
        ? { path, namespace: 'left-out' }
        : undefined,
    );
    building.onLoad({ filter: /./, namespace: 'left-out' }, ({ path }) => ({
      // undici makes one CacheStorage for itself, and says so with a symbol.
      contents: `const absent = class {
        constructor(by) {
          if (typeof by !== 'symbol') throw new Error(${JSON.stringify(`${path} is not part of this bundle`)});
        }
      };
      module.exports = new Proxy(absent, { get: (_, name) =>
        name === '__esModule' ? false : name === 'prototype' ? absent.prototype : absent });`,
      loader: 'js',
    }));
  },
};

/** The proxies of a kubeconfig, which the agent never meets: loaded by the first that is made. */
const proxiesLater = {
  name: 'proxies-later',
  setup(building) {
    building.onResolve({ filter: /^(hpagent|socks-proxy-agent)$/ }, ({ path, importer, namespace }) =>
      namespace === 'file' && /client-node/.test(importer) ? { path, namespace: 'later' } : undefined,
    );
    building.onLoad({ filter: /./, namespace: 'later' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => name === '__esModule' ? false :
        class { constructor(...given) { return new (require(${JSON.stringify(path)})[name])(...given); } } });`,
      loader: 'js',
      resolveDir: process.cwd(),
    }));
  },
};

/**
 * An import of node:http reads every one of its exports, and three of them load fetch and WebSocket: 15 MiB. To require it
 * reads none.
 */
const httpByRequire = {
  name: 'http-by-require',
  setup(building) {
    building.onResolve({ filter: /^node:http$/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'by-require' } : undefined,
    );
    building.onLoad({ filter: /./, namespace: 'by-require' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
      loader: 'js',
    }));
  },
};

/**
 * node-cron takes the local time apart with Intl, whose tables are 8 MiB of resident memory; a Date knows the local time
 * as well, and how far it is from Greenwich. For another time zone it is Intl still.
 */
const cronByDate = {
  name: 'cron-by-date',
  setup(building) {
    building.onLoad({ filter: /\/node-cron\/dist\/.*\.js$/ }, async ({ path }) => ({
      contents: `${await readFile(path, 'utf8')}
        function LocalTime(_, options) {
          if (options.timeZone !== undefined) return new Intl.DateTimeFormat(_, options);
          const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
          this.formatToParts = (at) => {
            const ahead = -at.getTimezoneOffset();
            const whole = Math.trunc(Math.abs(ahead) / 60);
            const rest = Math.abs(ahead) % 60;
            return Object.entries({
              year: at.getFullYear(), month: at.getMonth() + 1, day: at.getDate(), weekday: days[at.getDay()],
              hour: at.getHours(), minute: at.getMinutes(), second: at.getSeconds(),
              timeZoneName: 'GMT' + (ahead < 0 ? '-' : '+') + whole + (rest === 0 ? '' : ':' + String(rest).padStart(2, '0')),
            }).map(([type, value]) => ({ type, value: String(value) }));
          };
        }`.replaceAll("new Intl.DateTimeFormat('en-US'", "new LocalTime('en-US'"),
      loader: 'js',
    }));
  },
};

// Nothing of an earlier bundle is shipped.
if (outfile === 'dist/main.mjs') await rm(dirname(outfile), { recursive: true, force: true });

const { metafile } = await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  minify: true,
  platform: 'node',
  // The oldest that package.json and launcher.js allow.
  target: 'node22.19',
  format: 'esm',
  legalComments: 'external',
  define: buildDefine(),
  metafile: true,
  // Some dependencies are CommonJS and ask for Node's own modules by require.
  banner: {
    js: "import{createRequire as drypullRequire}from'node:module';const require=drypullRequire(import.meta.url);",
  },
  plugins: [proxiesLater, slim, httpByRequire, cronByDate],
  logLevel: 'warning',
});

// One letter beyond Latin 1, and V8 keeps two bytes for each of a million. esbuild leaves those in regular expressions.
const code = await readFile(outfile, 'utf8');
const escaped = code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
await writeFile(outfile, escaped);

if (process.env.METAFILE) await writeFile(process.env.METAFILE, JSON.stringify(metafile));

// kubectl finds its plugins, and their completion, by name on the PATH.
if (outfile === 'dist/main.mjs') {
  await writeFile(join(dirname(outfile), 'LICENSES.txt'), await licenseTexts(metafile, process.cwd()));
  const launcher = join(dirname(outfile), 'drypull.mjs');
  await copyFile('launcher.js', launcher);
  await chmod(launcher, 0o755);
  for (const name of ['drypull', 'kubectl-drypull', 'kubectl_complete-drypull']) {
    const link = join(dirname(outfile), name);
    await rm(link, { force: true });
    await symlink(basename(launcher), link);
  }
}
