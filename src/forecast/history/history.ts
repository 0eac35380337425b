/**
 * What an agent remembers beyond the last report, for foresight alone: no verdict needs it, and it may be lost at any time.
 * One slice a subject, each bounded and plain JSON, so that it can be kept in a file over a restart.
 */
import type { PullReport } from '#report/report.ts';
import type { NodeView } from '#node/view.ts';
import { learnRates, readRates, type RatesHistory } from './rates.ts';
import { learnDisks, readDisksHistory, type DisksHistory } from './disks.ts';
import { learnClock, readClock, type ClockHistory } from './clock.ts';
import { learnHosts, readHosts, type HostsHistory } from './hosts.ts';
import { learnLogins, readLogins, type LoginsHistory } from './logins.ts';
import { learnLimits, readLimits, type LimitsHistory } from './limits.ts';
import { learnQuotas, learnSample, readQuotas, type QuotasHistory } from './quotas.ts';
import {
  forgetRefusedLogins,
  learnRefusedLogin,
  readRefusedLogins,
  type RefusedLoginsHistory,
} from './refused-logins.ts';
import type { QuotaSample } from '#report/quota.ts';
import { forgetAbsences, learnAbsence, readAbsences, type AbsencesHistory } from './absences.ts';
import { learnBlobHosts, readBlobHosts, type BlobHostsHistory } from './blob-hosts.ts';
import { emptyDamped, forgetDamped, learnDamped, readDamped, type DampedHistory } from './damped.ts';
import { learnRoutes, readRoutes, type RoutesHistory } from './routes.ts';
import { forgetTags, learnTag, readTags, type TagsHistory } from './tags.ts';

export interface NodeHistory {
  readonly version: 1;
  readonly tags: TagsHistory;
  readonly hosts: HostsHistory;
  readonly clock: ClockHistory;
  readonly logins: LoginsHistory;
  readonly refusedLogins: RefusedLoginsHistory;
  readonly quotas: QuotasHistory;
  readonly limits: LimitsHistory;
  readonly absences: AbsencesHistory;
  readonly blobHosts: BlobHostsHistory;
  readonly routes: RoutesHistory;
  readonly damped: DampedHistory;
  readonly disks: DisksHistory;
  readonly rates: RatesHistory;
}

export const emptyNodeHistory: NodeHistory = {
  version: 1,
  tags: {},
  hosts: {},
  clock: [],
  logins: {},
  refusedLogins: {},
  quotas: [],
  limits: {},
  absences: {},
  blobHosts: {},
  routes: {},
  damped: emptyDamped,
  disks: {},
  rates: {},
};

/** With one more report. */
export function learnReport(history: NodeHistory, report: PullReport): NodeHistory {
  return {
    ...history,
    tags: learnTag(history.tags, report),
    hosts: learnHosts(history.hosts, report),
    clock: learnClock(history.clock, report),
    logins: learnLogins(history.logins, report),
    refusedLogins: learnRefusedLogin(history.refusedLogins, report),
    quotas: learnQuotas(history.quotas, report),
    limits: learnLimits(history.limits, report),
    absences: learnAbsence(history.absences, report, history.tags),
    blobHosts: learnBlobHosts(history.blobHosts, report),
    routes: learnRoutes(history.routes, report),
    damped: learnDamped(history.damped, report),
    rates: learnRates(history.rates, report),
  };
}

/** With one more look at the node. */
export function learnNode(history: NodeHistory, view: NodeView, nowMs: number): NodeHistory {
  return { ...history, disks: learnDisks(history.disks, view, nowMs) };
}

/** With looks at quotas beside the rehearsals. */
export function learnSamples(history: NodeHistory, samples: readonly QuotaSample[]): NodeHistory {
  return { ...history, quotas: samples.reduce(learnSample, history.quotas) };
}

/** Without what is about images that nobody asks for any more. `images`: as written. */
export function forget(history: NodeHistory, images: ReadonlySet<string>): NodeHistory {
  return {
    ...history,
    tags: forgetTags(history.tags, images),
    refusedLogins: forgetRefusedLogins(history.refusedLogins, images),
    absences: forgetAbsences(history.absences, images),
    damped: forgetDamped(history.damped, images),
  };
}

/** From a file that we, or an older or newer drypull, or nobody, wrote: a slice that cannot be read starts empty. */
export function readNodeHistory(value: unknown): NodeHistory {
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1)
    return emptyNodeHistory;
  const slice = (name: keyof NodeHistory): unknown => Object.getOwnPropertyDescriptor(value, name)?.value;
  return {
    version: 1,
    tags: readTags(slice('tags')),
    disks: readDisksHistory(slice('disks')),
    rates: readRates(slice('rates')),
    hosts: readHosts(slice('hosts')),
    clock: readClock(slice('clock')),
    logins: readLogins(slice('logins')),
    refusedLogins: readRefusedLogins(slice('refusedLogins')),
    quotas: readQuotas(slice('quotas')),
    limits: readLimits(slice('limits')),
    absences: readAbsences(slice('absences')),
    blobHosts: readBlobHosts(slice('blobHosts')),
    routes: readRoutes(slice('routes')),
    damped: readDamped(slice('damped')),
  };
}
