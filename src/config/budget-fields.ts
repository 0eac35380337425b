/** The rows of the configuration that say how much the agents of a fleet may ask together. */
import { field } from './field.ts';
import { count, flaw, onOff, read, text, type Reader } from './values.ts';

const same = (value: unknown): unknown => value;
const budgetKey = text(
  /^(\*|(\*\.)?[A-Za-z0-9.:[\]-]{1,255})$/,
  'a registry, such as quay.io, *.azurecr.io, private or *',
);
const perMinute = count(1, 1_000_000);

/** A map, or `quay.io=60,docker.io=30` in an environment. */
const requests: Reader<Readonly<Record<string, number>>> = (raw) => {
  const given: unknown = typeof raw === 'string' ? parsed(raw) : raw;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return flaw(raw, 'a map of registries and requests a minute, such as {quay.io: 60}');
  const found: Record<string, number> = {};
  for (const [name, value] of Object.entries(given)) {
    const [key, number] = [budgetKey(name), perMinute(value)];
    if (!key.ok) return flaw(name, 'a registry, such as quay.io, *.azurecr.io, private or *');
    if (!number.ok) return { ok: false, flaws: number.flaws.map((one) => ({ ...one, at: `.${name}` })) };
    found[key.value.toLowerCase()] = number.value;
  }
  return read(found);
};

function parsed(written: string): unknown {
  const pairs = written.split(/[\s,]+/).filter((word) => word !== '');
  return Object.fromEntries(pairs.map((pair) => [pair.replace(/=[^=]*$/, ''), /=([^=]*)$/.exec(pair)?.[1]]));
}

export const mannersFields = {
  requestsPerMinute: field<Readonly<Record<string, number>>>({
    env: 'DRYPULL_REQUESTS_PER_MINUTE',
    fallback: {},
    read: requests,
    write: same,
    help: 'How many requests a minute all agents together may send to a registry, where it is not the number built in: a map of registries, `private` for those in private networks and `*` for all others.',
  }),
  fleetSize: field<number | 'auto'>({
    env: 'DRYPULL_FLEET_SIZE',
    fallback: 'auto',
    read: (raw) => (raw === 'auto' ? read('auto') : count(1, 1_000_000)(raw)),
    write: same,
    help: 'How many agents share one way out to the registries. auto: as many as the DaemonSet has, 1 outside a cluster.',
  }),
  daemonSet: field<string>({
    env: 'DRYPULL_DAEMON_SET',
    fallback: 'drypull',
    read: text(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'the name of a DaemonSet'),
    write: same,
    help: "The DaemonSet that this agent belongs to, in its Pod's namespace: asked how many agents there are.",
  }),
  sharedReservations: field<boolean>({
    env: 'DRYPULL_SHARED_RESERVATIONS',
    fallback: 'off',
    read: onOff,
    write: (value) => (value ? 'on' : 'off'),
    help: 'Book turns at registries of small budgets with all other agents, in Leases of their namespace (component shared-reservations); where that fails, each keeps to its own share.',
  }),
} as const;
