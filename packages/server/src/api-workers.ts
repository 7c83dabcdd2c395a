/** How many API workers a container has room for. */
import { totalmem } from 'node:os';
import { availableCpus } from '@ekiben/supervisor';

/** For the supervisor and what the system needs. */
const RESERVED_MIB = 128;

/** A service with a small model takes half of it; while a new generation takes over there are twice as many. */
const WORKER_MIB = 256;

/**
 * One for each whole CPU of affinity and quota, as far as the memory reaches, and at least one: 0.25 vCPU and 0.5 GB are one, 4 vCPU and
 * 8 GB are four.
 */
export function defaultApiWorkers(cpus = availableCpus(), memoryBytes = availableMemory()): number {
  const room = (memoryBytes / 2 ** 20 - RESERVED_MIB) / WORKER_MIB;
  return Math.max(1, Math.floor(Math.min(cpus, room)));
}

/** Of the machine, or the limit of the control group if that is less. */
function availableMemory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Infinity);
}
