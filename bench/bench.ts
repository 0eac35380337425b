/**
 * `npm run bench [-- --json | nodes | catalog | fleet | soak]`: what drypull costs, as ratios measured side by side on loopback with an injected
 * round trip. The floor is what undici takes for the unavoidable requests alone. Ends within four minutes; talks to loopback only.
 */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { bundle, daemon, env, firstVerdict, flags } from './daemon.ts';
import { openGrounds, roundTripMs, type Field, type Grounds } from './fields.ts';
import type { Figures, Race } from './figures.ts';
import { fleet } from './fleet.ts';
import { fleetOfBooks } from './fleet-of-books.ts';
import { floor } from './floor.ts';
import type { Holding } from './memory-of-many.ts';
import { benchNodes } from './nodes.ts';
import { benchNode, referenceOf, type BenchNode } from './node.ts';
import { blackbox, skopeo, type Other } from './others.ts';
import { atOnce, perRegistry } from './pace.ts';
import { onCluster } from './pods.ts';
import { print } from './print.ts';
import { race, type Contestant } from './race.ts';
import { Rehearsing } from './rehearsing.ts';
import { soak } from './soak.ts';

const limitMs = 240_000;
const rounds = 5;
/** Two hundred processes take a while. */
const roundsOfSkopeo = 1;

interface DialDependencies {
  readonly grounds: Grounds;
  readonly node: BenchNode;
  readonly heard: (line: string) => void;
}

const [, , request] = process.argv;
const describe = (text: string): void => void process.stdout.write(text);
if (request === 'fleet') process.exit([fleet(describe), await fleetOfBooks(describe)].every(Boolean) ? 0 : 1);
if (request === 'soak') process.exit((await soak(describe, Number(process.argv[3] ?? 480))) ? 0 : 1);

const json = process.argv.includes('--json');
setTimeout(() => {
  process.stderr.write(`bench: not done after ${limitMs / 1000} s\n`);
  process.exit(1);
}, limitMs).unref();
process.stdout.write(await chosen());

async function chosen(): Promise<string> {
  if (process.argv.includes('nodes')) return benchNodes(json);
  if (process.argv.includes('catalog')) return (await import('./catalog.ts')).catalog();
  return run();
}

async function run(): Promise<string> {
  await using grounds = await openGrounds();
  await using node = await benchNode(grounds.layout);
  const heard = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  const dialing: DialDependencies = { grounds, node, heard };
  await using inspector = skopeo(node.caFile);
  await using prober = await blackbox(node.caFile, node.write);
  const { one, twenty } = grounds.layout.fields;
  const races: Race[] = [];
  for (const field of [one, twenty]) races.push(...(await racesOn(field, { ...dialing, inspector, prober })));
  const figures = { roundTripMs, atOnce, perRegistry, races, ...(await theRest(dialing)) } satisfies Figures;
  return json ? `${JSON.stringify(figures, null, 2)}\n` : print(figures);
}

async function racesOn(
  field: Field,
  dialing: DialDependencies & { readonly inspector: Other | undefined; readonly prober: Other | undefined },
): Promise<readonly Race[]> {
  const { grounds, node, heard, inspector, prober } = dialing;
  const { layout } = grounds;
  const { targets, registries } = field;
  const place = `${targets.length} images on ${registries === 1 ? 'one registry' : `${registries} registries`}`;
  const others = (which: Other | undefined, most: number): readonly Contestant[] =>
    which === undefined ? [] : [{ name: which.name, run: () => which.ask(targets), rounds: most }];
  let fresh = new Rehearsing(node.root, targets);
  // Nobody is measured while the engine still compiles.
  await floor(layout, targets, 'cold');
  await fresh.pass();
  const known = fresh;
  const first: Contestant = {
    name: 'drypull',
    prepare: () => {
      fresh = new Rehearsing(node.root, targets);
      return Promise.resolve();
    },
    run: () => fresh.pass(),
  };
  const at = { images: targets.length, rounds, grounds, heard };
  return [
    await race({
      ...at,
      name: `${place}, first pass`,
      contestants: [
        { name: 'floor (undici)', run: () => floor(layout, targets, 'cold') },
        first,
        ...others(inspector, roundsOfSkopeo),
      ],
    }),
    await race({
      ...at,
      name: `${place}, later pass`,
      contestants: [
        { name: 'floor (undici)', run: () => floor(layout, targets, 'warm') },
        { name: 'drypull', run: () => known.pass() },
        ...others(prober, rounds),
      ],
    }),
  ];
}

async function theRest({
  grounds,
  node,
  heard,
}: DialDependencies): Promise<Pick<Figures, 'guarded' | 'firstVerdict' | 'holding' | 'daemon' | 'onCluster'>> {
  const { guarded, one, twenty } = grounds.layout.fields;
  heard('a token service');
  const asker = new Rehearsing(node.root, guarded.targets);
  const counts: number[] = [];
  for (let i = 0; i < 2; i += 1) {
    await grounds.requests();
    await asker.pass();
    counts.push((await grounds.requests()) / guarded.targets.length);
  }
  heard('ten thousand rehearsals');
  const layoutFile = await node.write('layout.json', JSON.stringify(grounds.layout));
  const holding = await holdingOf(node.root, layoutFile);
  heard('the agent, bundled');
  const bundled = await bundle(node.root);
  const [target] = one.targets;
  if (target === undefined) throw new Error('no images');
  // The first start also reads the files into the page cache.
  await firstVerdict(bundled, node, target);
  const verdict = await firstVerdict(bundled, node, target);
  const alone = { settings: { images: one.targets.map(referenceOf) }, pulls: one.targets.length };
  const measured = await daemon(bundled, node, alone);
  heard('the agent on a cluster');
  return {
    guarded: { first: counts[0] ?? NaN, later: counts[1] ?? NaN },
    firstVerdict: verdict,
    holding,
    daemon: measured,
    onCluster: await onCluster(bundled, node, twenty.targets),
  };
}

async function holdingOf(...args: readonly string[]): Promise<readonly Holding[]> {
  const child = fork(join(import.meta.dirname, 'memory-of-many.ts'), args, {
    execArgv: ['--expose-gc', ...flags],
    env,
  });
  const holding: Holding[] = [];
  child.on('message', (word) => holding.push(word as Holding));
  await new Promise((resolve) => child.once('exit', resolve));
  return holding;
}
