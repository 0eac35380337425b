/**
 * Makes dist/drypull.mjs, one ESM file without dependencies: what the image ships. License comments go to
 * dist/drypull.mjs.LEGAL.txt beside it. Usage: node bundle.js [entry] [outfile]
 */
import { build } from 'esbuild';

const [entry = 'src/main.ts', outfile = 'dist/drypull.mjs'] = process.argv.slice(2);

/**
 * Of @kubernetes/client-node only KubeConfig is used, to find the API server and who we are. What else its entry point
 * loads (400 generated models, exec and port-forward, proxies, OpenID Connect) took 15 MiB of resident memory on each node.
 */
const unused = /^(hpagent|socks|socks-proxy-agent|openid-client|isomorphic-ws|ws|tar-fs|stream-buffers|jsonpath-plus)$/;
const slimKubeConfig = {
  name: 'slim-kube-config',
  setup(building) {
    building.onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ kind }) =>
      building.resolve('./node_modules/@kubernetes/client-node/dist/config.js', { resolveDir: process.cwd(), kind }),
    );
    const left = ({ path, importer }) =>
      importer.includes('@kubernetes/client-node') ? { path, namespace: 'left-out' } : undefined;
    building.onResolve({ filter: unused }, left);
    building.onResolve({ filter: /\/gen\/index\.js$/ }, left);
    building.onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => name === '__esModule' ? false : class {
        constructor() { throw new Error(${JSON.stringify(`${path} is not part of this bundle`)}); }
      } });`,
      loader: 'js',
    }));
  },
};

await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  legalComments: 'external',
  // Some dependencies are CommonJS and ask for Node's own modules by require.
  banner: {
    js: "import{createRequire as drypullRequire}from'node:module';const require=drypullRequire(import.meta.url);",
  },
  plugins: [slimKubeConfig],
  logLevel: 'warning',
});
