/** A registry that sends its pulls elsewhere for layers: to an old host that works, or to whatever a test names. */
import { FakeRegistry, image } from './fake-registry.ts';
import { onBlobs, resets } from './misbehaviour.ts';
import { RememberingNode } from './remembering.ts';
import { deadPort } from './silent-listener.ts';
import { nodeOf } from './stage.ts';
import type { Script } from './visit.ts';

export const images = { 'team/app:v1': image({ seed: 'app' }), 'team/web:v1': image({ seed: 'web' }) };

/** Layers are elsewhere: by the repository, at an authority or, where that is not plain HTTP, a URL. */
export function leadsTo(places: Readonly<Record<string, string>>): Script {
  return onBlobs(({ repository, url, send }) => {
    const at = places[repository] ?? places['*'];
    if (at === undefined) return undefined;
    const base = at.includes('://') ? at : `http://${at}`;
    return send(307, { location: `${base}${url.pathname}?signature=presigned` });
  });
}

/** By request: reset, fine, reset, fine, fine. */
export function resetsTwoOfFive(): Script {
  let asked = -1;
  return onBlobs((visit) => {
    asked += 1;
    return [0, 2].includes(asked % 5) ? resets()(visit) : undefined;
  });
}

export async function storageWorld() {
  const [registry, old] = await Promise.all([FakeRegistry.open({ images }), FakeRegistry.open({ images })]);
  const refused = await deadPort();
  const view = nodeOf({
    registries: { 'reg.test': registry },
    hosts: { 'cdn.test': ['127.0.0.1'], 'new.test': ['127.0.0.1'] },
  });
  const node = new RememberingNode(view, Date.parse('2026-05-20T12:00:00.000Z'));
  old.play(node.dates);
  return {
    registry,
    old,
    node,
    app: `reg.test:${registry.port}/team/app:v1`,
    web: `reg.test:${registry.port}/team/web:v1`,
    oldHost: `cdn.test:${old.port}`,
    /** Where nobody listens. */
    newHost: `new.test:${refused}`,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([registry.close(), old.close()]);
    },
  };
}
