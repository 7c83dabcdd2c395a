import { describe, expect, test } from '@jest/globals';
import { availableCpus } from '../src/cpus.ts';

const files = (content: Readonly<Record<string, string>>) => (path: string) => content[path] ?? null;

describe('available CPUs', () => {
  test.each([
    ['no control groups', {}, 8],
    ['v2 without a quota', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' }, 8],
    ['v2 with a quota', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '250000 100000\n' }, 2.5],
    [
      'v2 with a tighter quota further up',
      {
        '/proc/self/cgroup': '0::/kubepods/pod1/c1\n',
        '/sys/fs/cgroup/kubepods/pod1/c1/cpu.max': '400000 100000\n',
        '/sys/fs/cgroup/kubepods/pod1/cpu.max': '200000 100000\n',
      },
      2,
    ],
    [
      'v1 in a container, where the path of the host is not visible',
      {
        '/proc/self/cgroup': '4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      1,
    ],
    [
      'v1 without a quota',
      {
        '/proc/self/cgroup': '3:cpu,cpuacct:/\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      8,
    ],
  ])('%s', (_, content, expected) => {
    expect(availableCpus(files(content as Record<string, string>), 8)).toBe(expected);
  });

  test('affinity counts where it is tighter than the quota', () => {
    const read = files({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '800000 100000' });
    expect(availableCpus(read, 2)).toBe(2);
  });

  test('of this machine there is at least one', () => {
    expect(availableCpus()).toBeGreaterThanOrEqual(1);
  });
});
