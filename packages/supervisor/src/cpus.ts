/** How many CPUs this process may really use: what a container is granted, not what the machine has. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { posix } from 'node:path';

/** Reads a file; null if there is none. */
export type ReadText = (path: string) => string | null;

/**
 * CPUs by affinity, and by the quota of the control group (v1 or v2) if that is less. At least 1; a quota of 1.5 counts as 1.5.
 */
export function availableCpus(read: ReadText = readText, byAffinity: number = availableParallelism()): number {
  return Math.max(1, Math.min(byAffinity, quota(read) ?? Infinity));
}

/** The tightest quota on the way from our control group up to the root. */
function quota(read: ReadText): number | null {
  const groups = (read('/proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'));
  const quotas: number[] = [];
  for (const [id, controllers = '', ...rest] of groups) {
    const unified = id === '0' && controllers === '';
    if (!unified && !controllers.split(',').includes('cpu')) continue;
    for (const path of ancestors(rest.join(':'))) {
      const found = unified ? quotaOfV2(read, path) : quotaOfV1(read, path);
      if (found !== null) quotas.push(found);
    }
  }
  return quotas.length === 0 ? null : Math.min(...quotas);
}

/** In a container the path often names a group of the host that is not visible; the root then stands for it. */
function ancestors(path: string): string[] {
  const all = ['/'];
  for (let at = posix.normalize(`/${path}`); at !== '/'; at = posix.dirname(at)) all.push(at);
  return all;
}

/** `cpu.max`: `150000 100000`, or `max 100000`. */
function quotaOfV2(read: ReadText, path: string): number | null {
  const [max, period] = (read(posix.join('/sys/fs/cgroup', path, 'cpu.max')) ?? '').trim().split(' ');
  return ratio(max, period);
}

/** `cpu.cfs_quota_us`: -1 for none. */
function quotaOfV1(read: ReadText, path: string): number | null {
  const directory = posix.join('/sys/fs/cgroup/cpu', path);
  return ratio(
    read(posix.join(directory, 'cpu.cfs_quota_us'))?.trim(),
    read(posix.join(directory, 'cpu.cfs_period_us'))?.trim(),
  );
}

function ratio(quotaUs: string | undefined, periodUs: string | undefined): number | null {
  const value = Number(quotaUs) / Number(periodUs);
  return Number.isFinite(value) && value > 0 ? value : null;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
