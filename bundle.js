/**
 * Bundles the program and its packages as ES modules: dist/main.mjs, in dist/chunks what only some commands load, and what
 * scripts/finish-bundle.ts adds. Usage: node bundle.js [entry] [directory]. METAFILE=path keeps esbuild's account of the inputs.
 */
import { rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { buildDefine } from './scripts/build-info.ts';
import { finishBundle } from './scripts/finish-bundle.ts';

const [entry = 'src/main.ts', directory = 'dist'] = process.argv.slice(2);
// Nothing of an earlier bundle is shipped.
if (directory === 'dist') await rm(directory, { recursive: true, force: true });

/** @kubernetes/client-node does not declare that its thousand generated models may be left out where none is used. */
function leaveOutUnusedModels(building) {
  building.onResolve({ filter: /^\.\.?\// }, async ({ path, importer, kind, resolveDir, pluginData }) => {
    if (pluginData === 'resolved' || !importer.includes('/client-node/dist/')) return undefined;
    const resolved = await building.resolve(path, { kind, resolveDir, pluginData: 'resolved' });
    return { ...resolved, sideEffects: false };
  });
}

const { metafile } = await build({
  entryPoints: [{ in: entry, out: 'main' }],
  outdir: directory,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  ...{ bundle: true, splitting: true, minify: true, platform: 'node', format: 'esm', metafile: true },
  // The oldest that package.json and launcher.js allow.
  target: 'node22.19',
  legalComments: 'external',
  define: buildDefine(),
  alias: { '@kubernetes/client-node': './node_modules/@kubernetes/client-node/dist/config.js' },
  plugins: [{ name: 'unused-models', setup: leaveOutUnusedModels }],
  // Some packages are CommonJS and ask for Node's own modules by require.
  banner: { js: "import{createRequire as nodeRequire}from'node:module';const require=nodeRequire(import.meta.url);" },
});
if (process.env.METAFILE) await writeFile(process.env.METAFILE, JSON.stringify(metafile));
await finishBundle(metafile, directory);
