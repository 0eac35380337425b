/**
 * File systems that fill: when the next eviction threshold is crossed, and when nothing is left, if the last hours' course goes
 * on. A saw of images that come and are collected is health, and is not foretold to anybody.
 */
import { amountText, capacityOf, freeOf, type Disk, type Measure } from '#kubelet/disk.ts';
import { garbageCollectionOf, isMet, thresholdsOf, type Threshold } from '#kubelet/eviction.ts';
import type { NodeFacts } from '#forecast/facts.ts';
import type { Likelihood } from '#forecast/forecast.ts';
import type { KubeletConfig } from '#kubelet/config.ts';
import { valueAt } from '#data/value-at.ts';
import type { DiskHistory } from '#forecast/history/disks.ts';
import { agreementOf, crossingOf, type Point } from '#forecast/trend.ts';
import { isFutile, keepsUp } from './image-gc.ts';
import type { Prediction, NodeRule, Unseen } from '#forecast/rule.ts';

export const diskFills: NodeRule = { name: 'disk-fills', evaluate, unseen };

/** A course is followed no further ahead than this, and than four times what was seen of it. */
const furthestS = 7 * 86_400;
const stretch = 4;
const shortestMs = 20 * 60_000;
/** What changed by less is noise. */
const leastShare = 0.005;
/** The two ways of telling the time agree when the sooner is at least so much of the later. */
const agreed = 0.6;

function evaluate({ view, history, now }: NodeFacts): readonly Prediction[] {
  const { disks } = view.system;
  if (disks?.ok !== true) return [];
  const config = view.kubelet.config?.ok === true ? view.kubelet.config.value : undefined;
  return disks.value.all.flatMap((disk) => {
    const at: At = {
      disk,
      config,
      now,
      history: valueAt(history.disks, disk.path),
    };
    const thresholds = config === undefined ? [] : thresholdsOf(disk, config);
    return (['bytes', 'inodes'] as const).flatMap((measure) => {
      if (capacityOf(disk, measure) === 0) return [];
      const own = thresholds.filter((one) => one.measure === measure);
      const met = own.find((one) => isMet(one, disk));
      if (met !== undefined) return [pressureNow(at, met)];
      const next = own[0];
      return (next === undefined ? undefined : pressureComing(at, next)) ?? fullComing(at, measure);
    });
  });
}

interface At {
  readonly disk: Disk;
  readonly config: KubeletConfig | undefined;
  readonly now: Date;
  readonly history: DiskHistory | undefined;
}

const remedy =
  'Free room on the node (`crictl rmi --prune`, old logs), find out what grows (`du -x`), or give it a larger disk.';

function pressureNow({ disk, config }: At, threshold: Threshold): Prediction {
  const { kind, graceS } = threshold;
  const evicts = kind === 'soft' ? `, and evicts Pods after ${graceS ?? 0} s` : '';
  return {
    about: disk.path,
    fault: 'disk.pressure',
    likelihood: 'certain',
    effect: 'fails',
    withinS: 0,
    because: `${holdsFor(disk, threshold)}: the kubelet refuses new Pods ("The node had condition: [DiskPressure]. ")${evicts}, until ${config?.evictionPressureTransitionS ?? 300} s after there is room; pulls of Pods that it has taken work on`,
    remedy,
  };
}

function holdsFor(disk: Disk, { signal, written, kind, floor, measure }: Threshold): string {
  return `the file system of ${disk.path} has ${amountText(freeOf(disk, measure), measure)} free, and the ${kind} eviction threshold ${signal}<${written} is ${amountText(floor, measure)}`;
}

function pressureComing(at: At, threshold: Threshold): readonly Prediction[] | undefined {
  const { disk, config } = at;
  const course = courseOf(at, threshold.measure, threshold.floor);
  if (course === undefined || config === undefined) return undefined;
  const collection = threshold.measure === 'bytes' ? garbageCollectionOf(disk, config) : undefined;
  if (collection !== undefined && keepsUp(at.history, collection, at.now)) return [];
  const isHelpless = collection === undefined || isFutile(at.history, collection, at.now);
  const assuming = isHelpless ? course.assuming : `${course.assuming}, and image garbage collection frees too little`;
  return [
    {
      about: disk.path,
      fault: 'disk.pressure',
      likelihood: isHelpless ? course.likelihood : 'possible',
      effect: 'fails',
      withinS: course.withinS,
      assuming,
      because: `${holdsFor(disk, threshold)}; ${course.because}`,
      remedy,
    },
  ];
}

function fullComing(at: At, measure: Measure): readonly Prediction[] {
  const { disk, config } = at;
  const course = courseOf(at, measure, 0);
  const collection = config === undefined || measure === 'inodes' ? undefined : garbageCollectionOf(disk, config);
  if (course === undefined || (collection !== undefined && keepsUp(at.history, collection, at.now))) return [];
  return [
    {
      about: disk.path,
      fault: measure === 'bytes' ? 'disk.full' : 'disk.inodes',
      likelihood: course.likelihood,
      effect: 'fails',
      withinS: course.withinS,
      assuming: course.assuming,
      because: `the file system of ${disk.path} has ${amountText(freeOf(disk, measure), measure)} free, and no eviction threshold comes first; ${course.because}`,
      remedy,
    },
  ];
}

interface Course {
  readonly withinS: number;
  readonly likelihood: Likelihood;
  readonly assuming: string;
  readonly because: string;
}

function courseOf({ disk, history, now }: At, measure: Measure, floor: number): Course | undefined {
  const points: readonly Point[] = (history?.samples ?? []).map(([atMs, bytes, inodes]) => ({
    atMs,
    value: measure === 'bytes' ? bytes : inodes,
  }));
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const spanMs = last.atMs - first.atMs;
  const fallen = first.value - last.value;
  if (spanMs < shortestMs || fallen < leastShare * capacityOf(disk, measure)) return undefined;
  const crossing = crossingOf(points, floor);
  const soonest = [crossing.linearS, crossing.robustS].filter((one) => one !== undefined).toSorted((a, b) => a - b)[0];
  if (soonest === undefined) return undefined;
  const withinS = Math.max(0, Math.round(soonest - (now.getTime() - last.atMs) / 1000));
  if (withinS > Math.min(furthestS, (stretch * spanMs) / 1000)) return undefined;
  const hours = (spanMs / 3_600_000).toFixed(1);
  const isSteady = agreementOf(crossing) >= agreed && !recovers(points, fallen);
  return {
    withinS,
    likelihood: isSteady ? 'likely' : 'possible',
    assuming: `the course of the last ${hours} h goes on`,
    because: `it lost ${amountText(fallen, measure)} in ${hours} h${isSteady ? '' : ', by fits and starts'}`,
  };
}

/** Somewhere on the way at least half of the loss came back at once. */
function recovers(points: readonly Point[], fallen: number): boolean {
  return points.some((point, i) => i > 0 && point.value - (points[i - 1]?.value ?? point.value) >= fallen / 2);
}

function unseen({ view }: NodeFacts): readonly Unseen[] {
  const { disks } = view.system;
  const { config } = view.kubelet;
  if (disks === undefined) return [];
  if (!disks.ok) {
    const why = disks.fault.code === 'agent.cannot_see' ? disks.fault.why : disks.fault.code;
    const because = `the node's file systems were not seen (${why})`;
    return [{ about: 'disks', fault: 'disk.pressure', because, remedy: 'Add the component host-disk.' }];
  }
  if (config?.ok === true) return [];
  const because = "the kubelet's configuration was not seen, so neither were its eviction thresholds";
  const known = config === undefined ? undefined : config.source;
  return [
    {
      about: 'eviction thresholds',
      fault: 'disk.pressure',
      because: known === undefined ? because : `${because} (${known})`,
      remedy: "Let drypull see the kubelet's configuration (the component host-disk).",
    },
  ];
}
