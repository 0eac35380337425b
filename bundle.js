/**
 * Bundles the program and its packages as ES modules: dist/drypull.mjs, and in dist/chunks what only some commands load.
 * Licence comments go to *.LEGAL.txt beside each file. Usage: node bundle.js [entry] [directory]
 * METAFILE=path keeps esbuild's own account of what is in the bundle.
 */
import { chmod, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

function leaveOutUnusedModels(building) {
  building.onResolve({ filter: /\/gen\/|^\.\.?\// }, async ({ path, importer, kind, resolveDir, pluginData }) => {
    if (pluginData === 'resolved' || !/client-node\/dist\//.test(importer)) return undefined;
    return { ...(await building.resolve(path, { kind, resolveDir, pluginData: 'resolved' })), sideEffects: false };
  });
}

const [entry = 'src/main.ts', directory = 'dist'] = process.argv.slice(2);

if (directory === 'dist') await rm(directory, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: [{ in: entry, out: 'drypull' }],
  outdir: directory,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  minify: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  legalComments: 'external',
  metafile: true,
  // Only KubeConfig is used. The package does not declare that its thousand generated models may be left out.
  alias: { '@kubernetes/client-node': './node_modules/@kubernetes/client-node/dist/config.js' },
  plugins: [{ name: 'unused-models', setup: leaveOutUnusedModels }],
  // Some packages are CommonJS and ask for Node's own modules by require.
  banner: { js: "import{createRequire as nodeRequire}from'node:module';const require=nodeRequire(import.meta.url);" },
});
if (process.env.METAFILE) await writeFile(process.env.METAFILE, JSON.stringify(metafile));

// kubectl finds its plugins, and their completion, by name on the PATH.
await chmod(join(directory, 'drypull.mjs'), 0o755);
for (const name of ['drypull', 'kubectl-drypull', 'kubectl_complete-drypull']) {
  await rm(join(directory, name), { force: true });
  await symlink('drypull.mjs', join(directory, name));
}
