/** `npm run demo`: a dozen images meet a dozen fates on this machine's loopback, and drypull says which pull and which do not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openWorld } from './kit/world.ts';

const main = join(import.meta.dirname, '../src/main.ts');

await using world = await openWorld();
const width = Math.max(...world.images.map(({ image }) => image.length));
for (const { image, fate } of world.images) process.stdout.write(`${image.padEnd(width)}  ${fate}\n`);
process.stdout.write('\n');
const images = world.images.map(({ image }) => image);
const node = ['--host-root', world.hostRoot, '--runtime', world.runtime];
await once(spawn(process.execPath, [main, 'check', ...images, ...node], { stdio: 'inherit' }), 'exit');
