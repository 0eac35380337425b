/**
 * What an agent remembers beyond the last report, for foresight alone: no verdict needs it, and it may be lost at any time.
 * One slice a subject, each bounded and plain JSON, so that it can be kept in a file over a restart.
 */
import type { PullReport } from '#report/report.ts';
import type { NodeView } from '#node/view.ts';
import { learnRates, readRates, type RatesPast } from './rates.ts';
import { learnDisks, readDisksPast, type DisksPast } from './disks.ts';
import { learnClock, readClock, type ClockPast } from './clock.ts';
import { learnHosts, readHosts, type HostsPast } from './hosts.ts';
import { learnLogins, readLogins, type LoginsPast } from './logins.ts';
import { learnLimits, readLimits, type LimitsPast } from './limits.ts';
import { learnQuotas, learnSample, readQuotas, type QuotasPast } from './quotas.ts';
import { forgetRefusedLogins, learnRefusedLogin, readRefusedLogins, type RefusedLoginsPast } from './refused-logins.ts';
import type { QuotaSample } from '#report/quota.ts';
import { forgetAbsences, learnAbsence, readAbsences, type AbsencesPast } from './absences.ts';
import { learnBlobHosts, readBlobHosts, type BlobHostsPast } from './blob-hosts.ts';
import { emptyDamped, forgetDamped, learnDamped, readDamped, type DampedPast } from './damped.ts';
import { learnRoutes, readRoutes, type RoutesPast } from './routes.ts';
import { forgetTags, learnTag, readTags, type TagsPast } from './tags.ts';

export interface Past {
  readonly version: 1;
  readonly tags: TagsPast;
  readonly hosts: HostsPast;
  readonly clock: ClockPast;
  readonly logins: LoginsPast;
  readonly refusedLogins: RefusedLoginsPast;
  readonly quotas: QuotasPast;
  readonly limits: LimitsPast;
  readonly absences: AbsencesPast;
  readonly blobHosts: BlobHostsPast;
  readonly routes: RoutesPast;
  readonly damped: DampedPast;
  readonly disks: DisksPast;
  readonly rates: RatesPast;
}

export const emptyPast: Past = {
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
export function learnReport(past: Past, report: PullReport): Past {
  return {
    ...past,
    tags: learnTag(past.tags, report),
    hosts: learnHosts(past.hosts, report),
    clock: learnClock(past.clock, report),
    logins: learnLogins(past.logins, report),
    refusedLogins: learnRefusedLogin(past.refusedLogins, report),
    quotas: learnQuotas(past.quotas, report),
    limits: learnLimits(past.limits, report),
    absences: learnAbsence(past.absences, report, past.tags),
    blobHosts: learnBlobHosts(past.blobHosts, report),
    routes: learnRoutes(past.routes, report),
    damped: learnDamped(past.damped, report),
    rates: learnRates(past.rates, report),
  };
}

/** With one more look at the node. */
export function learnNode(past: Past, view: NodeView, nowMs: number): Past {
  return { ...past, disks: learnDisks(past.disks, view, nowMs) };
}

/** With looks at quotas beside the rehearsals. */
export function learnSamples(past: Past, samples: readonly QuotaSample[]): Past {
  return { ...past, quotas: samples.reduce(learnSample, past.quotas) };
}

/** Without what is about images that nobody asks for any more. `images`: as written. */
export function forget(past: Past, images: ReadonlySet<string>): Past {
  return {
    ...past,
    tags: forgetTags(past.tags, images),
    refusedLogins: forgetRefusedLogins(past.refusedLogins, images),
    absences: forgetAbsences(past.absences, images),
    damped: forgetDamped(past.damped, images),
  };
}

/** From a file that we, or an older or newer drypull, or nobody, wrote: a slice that cannot be read starts empty. */
export function readPast(value: unknown): Past {
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1) return emptyPast;
  const slice = (name: keyof Past): unknown => Object.getOwnPropertyDescriptor(value, name)?.value;
  return {
    version: 1,
    tags: readTags(slice('tags')),
    disks: readDisksPast(slice('disks')),
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
