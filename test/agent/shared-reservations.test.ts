/** A desk that closes where nothing can be booked, and opens again by itself. */
import { expect, test } from 'vitest';
import { SharedReservations } from '#agent/shared-reservations.ts';
import { openLog } from '#output/log.ts';
import { everyGrant } from '../kit/kube-grants.ts';
import { kubeWorld, type KubeWorld } from '../kit/kube-world.ts';

const ask = { perMinute: 60, cost: 3 };

function deskIn({ cluster, time }: KubeWorld): { readonly desk: SharedReservations; readonly lines: string[] } {
  const lines: string[] = [];
  const log = openLog({ level: 'debug', node: 'node1', to: { write: (line) => lines.push(line) } });
  time.hold();
  const at = { namespace: 'drypull', node: 'node1' };
  return { desk: new SharedReservations(cluster, at, { now: time.now, random: () => 0.5, log }), lines };
}

test('it is open until a booking fails, and closed for longer each time that it does again', async () => {
  await using world = await kubeWorld();
  const { desk, lines } = deskIn(world);
  expect(desk.isOpen()).toBe(true);
  expect(await desk.state('docker.io', ask)).toBe(0);
  world.kube.grants = new Set([...everyGrant].filter((grant) => !grant.includes('leases')));
  expect(await desk.state('docker.io', ask)).toBeUndefined();
  expect(desk.isOpen()).toBe(false);
  world.time.advance(60_000);
  expect(desk.isOpen()).toBe(true);
  await desk.state('docker.io', ask);
  world.time.advance(60_000);
  expect(desk.isOpen()).toBe(false);
  world.time.advance(60_000);
  expect(desk.isOpen()).toBe(true);
  world.kube.grants = everyGrant;
  expect(await desk.state('docker.io', ask)).toBe(0);
  const logged = (text: string): number => lines.filter((line) => line.includes(text)).length;
  expect(logged('no turn can be booked')).toBe(1);
  expect(logged('booked with the fleet again')).toBe(1);
});

test('a minute that is full is no failure', async () => {
  await using world = await kubeWorld();
  const { desk } = deskIn(world);
  const dear = { perMinute: 6, cost: 12 };
  for (let i = 0; i < 3; i += 1) await desk.state('public.ecr.aws', dear);
  expect(await desk.state('public.ecr.aws', dear)).toBeUndefined();
  expect(desk.isOpen()).toBe(true);
});
