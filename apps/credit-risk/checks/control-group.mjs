// A control group of Linux with the limits of a container, v1 or v2: what docker makes for `--cpus` and `--memory`.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
const PERIOD_US = 100_000;
const isV2 = existsSync(join(ROOT, 'cgroup.controllers'));

/** @param {{ cpus: number, memoryMiB: number }} limits  @throws where groups cannot be made */
export function makeGroup({ cpus, memoryMiB }) {
  const name = `ekiben-check-${process.pid}`;
  const [cpu, memory] = isV2
    ? [join(ROOT, name), join(ROOT, name)]
    : [join(ROOT, 'cpu', name), join(ROOT, 'memory', name)];
  const paths = [...new Set([cpu, memory])];
  const set = (folder, file, value) => writeFileSync(join(folder, file), String(value));
  const get = (folder, file) => readFileSync(join(folder, file), 'utf8').trim();
  if (isV2) set(ROOT, 'cgroup.subtree_control', '+cpu +memory');
  for (const path of paths) mkdirSync(path);
  if (isV2) {
    set(cpu, 'cpu.max', `${cpus * PERIOD_US} ${PERIOD_US}`);
    set(memory, 'memory.max', memoryMiB * 2 ** 20);
  } else {
    set(cpu, 'cpu.cfs_period_us', PERIOD_US);
    set(cpu, 'cpu.cfs_quota_us', cpus * PERIOD_US);
    set(memory, 'memory.limit_in_bytes', memoryMiB * 2 ** 20);
  }
  return {
    /** What a command runs under to be inside. */
    prefix: ['sh', '-c', `for group in ${paths.join(' ')}; do echo $$ > $group/cgroup.procs; done; exec "$@"`, 'sh'],
    /** Of all its processes, with what the kernel keeps for them. */
    get peakMiB() {
      const file = isV2 ? 'memory.peak' : 'memory.max_usage_in_bytes';
      return existsSync(join(memory, file)) ? Number(get(memory, file)) / 2 ** 20 : NaN;
    },
    /** Processes that the kernel killed because memory ran out. */
    get killed() {
      return Number(/oom_kill (\d+)/.exec(get(memory, isV2 ? 'memory.events' : 'memory.oom_control'))?.[1] ?? 0);
    },
    /** How often its CPU time was used up before the period was over. */
    get throttled() {
      return Number(/nr_throttled (\d+)/.exec(get(cpu, 'cpu.stat'))?.[1] ?? 0);
    },
    /** Once its processes have ended, which takes a moment for one that was killed. */
    remove() {
      for (const path of paths) {
        for (let attempt = 0; attempt < 20; attempt += 1) {
          try {
            rmdirSync(path);
            break;
          } catch {
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
          }
        }
      }
    },
  };
}
