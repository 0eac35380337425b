/** What the values of options may be, and what they mean. */
import { InvalidArgumentError } from 'commander';
import type { Platform } from '#image/platform.ts';

export function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export function namespace(value: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) return value;
  throw new InvalidArgumentError('A namespace has lower-case letters, digits and dashes, 63 at most.');
}

export function runtime(value: string): string {
  if (/^[a-z][a-z-]*:\/\/v?\d+\.\d+\.\d+/.test(value)) return value;
  throw new InvalidArgumentError(
    'Write it as node.status.nodeInfo.containerRuntimeVersion has it: containerd://2.1.9.',
  );
}

export function platform(value: string): Platform {
  const [, os, architecture, variant] = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/(v?[a-z0-9]+))?$/.exec(value) ?? [];
  if (os === undefined || architecture === undefined) {
    throw new InvalidArgumentError(
      'Write it as OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT: linux/amd64, linux/arm/v7.',
    );
  }
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, '': 1000 };

export function duration(value: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|)$/.exec(value) ?? [];
  const ms = Number(number) * (unitMs[unit] ?? 0);
  if (number !== '' && ms >= 1 && ms <= 3_600_000) return ms;
  throw new InvalidArgumentError('Write a duration up to 60m: 30s, 2m, 1500ms.');
}
