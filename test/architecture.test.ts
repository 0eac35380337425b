/** The never-rules of src/README.md, read off every import line. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '../src');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const source = new Map(files.map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));
const rooms = ['node', 'cluster', 'registry', 'forecast', 'tell'] as const;
/** Where a file lives: the courtyard, a room, the stage, or the stairs. */
const placeOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : 'stairs');

/** What each place may import besides itself. */
const allowed: Readonly<Record<string, { readonly places: readonly string[]; readonly packages: RegExp }>> = {
  pull: { places: [], packages: /^$/ },
  node: { places: ['pull'], packages: /^(node:(fs(\/promises)?|path|os|child_process|util|crypto)|smol-toml|yaml)$/ },
  cluster: {
    places: ['pull'],
    packages:
      /^(@kubernetes\/client-node|ws|yaml|undici|node:(https?|tls|crypto|stream|zlib|timers\/promises|events))$/,
  },
  registry: {
    places: ['pull'],
    packages:
      /^(undici|dns-packet|ipaddr\.js|node:(net|tls|dgram|dns|crypto|zlib|http|https|stream|timers\/promises|util|buffer|string_decoder|events))$/,
  },
  forecast: { places: ['pull'], packages: /^$/ },
  tell: {
    places: ['pull'],
    packages: /^(prom-client|pino|string-width|node:(http|https|tls|crypto|util|net|stream|events|buffer|zlib))$/,
  },
  stage: { places: ['pull', 'registry'], packages: /^$/ },
  stairs: {
    places: ['pull', 'stage', 'stairs', ...rooms],
    packages:
      /^(node-cron|commander|yaml|ipaddr\.js|node:(fs|fs\/promises|path|os|timers\/promises|url|util|stream|events|child_process|perf_hooks))$/,
  },
};

/** The doors: what the stairs and the stage may open. */
const doors = new Set([
  'node/read-node.ts',
  'node/provider-cache.ts',
  'node/at-start.ts',
  'node/read-input.ts',
  'node/watch-file.ts',
  'node/credential-plugin.ts',
  'node/content-store.ts',
  'node/state-file.ts',
  'cluster/read-manifests.ts',
  'cluster/watch-demand.ts',
  'cluster/pull-secrets.ts',
  'cluster/publish.ts',
  'cluster/admit.ts',
  'cluster/ask-agents.ts',
  'cluster/configz.ts',
  'cluster/connect.ts',
  'cluster/demand-key.ts',
  'cluster/demands.ts',
  'cluster/need.ts',
  'cluster/accounts.ts',
  'cluster/catalog-writer.ts',
  'cluster/watch-catalog.ts',
  'cluster/watch-workloads.ts',
  'cluster/fleet-size.ts',
  'cluster/turns.ts',
  'cluster/write-manifests.ts',
  'registry/authorize.ts',
  'registry/connections.ts',
  'registry/decode.ts',
  'registry/digest.ts',
  'registry/echo.ts',
  'registry/evidence.ts',
  'registry/rate-limit.ts',
  'registry/reach.ts',
  'registry/wire.ts',
  'forecast/foresee.ts',
  'tell/words.ts',
  'tell/metrics.ts',
  'tell/server.ts',
  'tell/page.ts',
  'tell/print.ts',
  'tell/junit.ts',
  'tell/progress.ts',
  'tell/log.ts',
  'tell/ledger.ts',
  'tell/story.ts',
  'tell/check-listener.ts',
  'tell/catalog-listener.ts',
  'tell/catalog-metrics.ts',
]);

interface Import {
  readonly from: string;
  readonly what: string;
}

function importsOf(file: string): Import[] {
  const text = source.get(file) ?? '';
  const found = [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+'([^']+)'|\bimport\('([^']+)'\)/g)];
  return found.map((match) => ({ from: file, what: match[1] ?? match[2] ?? '' }));
}

const imports = files.flatMap(importsOf);
const isLocal = ({ what }: Import): boolean => what.startsWith('.') || what.startsWith('#');
const target = ({ from, what }: Import): string =>
  what.startsWith('#') ? what.slice(1) : path.join(path.dirname(from), what);

describe('the house', () => {
  test('imports run one way: rooms open onto the courtyard, and only the stairs and the stage onto rooms', () => {
    const wrong = imports.filter(isLocal).filter((one) => {
      const [here, there] = [placeOf(one.from), placeOf(target(one))];
      return here !== there && !allowed[here]?.places.includes(there);
    });
    expect(
      wrong,
      'a room imports a room, or the courtyard looks out: return the fact and let a stair carry it',
    ).toEqual([]);
  });

  test('stairs and stage enter rooms by their doors', () => {
    const wrong = imports.filter(isLocal).filter((one) => {
      const [here, there] = [placeOf(one.from), placeOf(target(one))];
      return here !== there && rooms.some((room) => room === there) && !doors.has(target(one));
    });
    expect(wrong, 'an inside is imported: make it a door here, on purpose, or ask its door').toEqual([]);
  });

  test('each package is named in the places that own it', () => {
    const wrong = imports
      .filter((one) => !isLocal(one))
      .filter((one) => !allowed[placeOf(one.from)]?.packages.test(one.what));
    expect(wrong, 'a package is used outside its room').toEqual([]);
  });

  test('a border crossing is visible: into the courtyard by #pull, inside a place by a relative path', () => {
    const wrong = imports.filter(isLocal).filter((one) => {
      const crossing = placeOf(one.from) !== placeOf(target(one));
      return crossing && placeOf(target(one)) === 'pull'
        ? !one.what.startsWith('#pull/')
        : one.what.startsWith('#') && !crossing;
    });
    expect(wrong).toEqual([]);
  });

  test('only main.ts touches the process', () => {
    const touching = files.filter((file) => /\bprocess\.(?!hrtime)/.test(code(file)));
    expect(touching).toEqual(['main.ts']);
  });

  test('courtyard and forecasts read no clock and no chance', () => {
    const impure = files
      .filter((file) => /^(pull|forecast)\//.test(file))
      .filter((file) => /Date\.now\(|new Date\(\)|Math\.random\(|performance\./.test(code(file)));
    expect(impure, 'time arrives as an argument').toEqual([]);
  });

  test('secrets are opened in few places', () => {
    const opening = files.filter((file) => /\.reveal\(\)/.test(code(file)));
    const may =
      /^(pull\/(credential|docker-config|keyring|proxy)|registry\/|node\/(credential-plugin|provider|host-root|kubelet|docker-file)|cluster\/)/;
    expect(opening.filter((file) => !may.test(file))).toEqual([]);
  });

  test('nothing is thrown but by bugs, and nothing is logged in a room', () => {
    const logging = files
      .filter((file) => placeOf(file) !== 'tell' && placeOf(file) !== 'stairs')
      .filter((file) => /\bconsole\.|from 'pino'/.test(code(file)));
    expect(logging).toEqual([]);
  });

  test('a file holds one idea: at most 250 lines', () => {
    const long = [...source].filter(([, text]) => text.split('\n').length > 251).map(([file]) => file);
    expect(long).toEqual([]);
  });
});

/** A file without its comments. */
function code(file: string): string {
  return (source.get(file) ?? '').replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}
