// Who holds a lock or writes a draft: a name that says whether that process still lives, so that a crash leaves nothing locked.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * `host-pid-start-random`. The host part covers what process ids depend on (machine, boot, container), the start time tells a
 * process from a later one with the same id.
 */
const OWNER = /^([0-9a-f]{12})-(\d+)-(\d+)-[0-9a-f]{12}$/;

let ours: { readonly host: string; readonly prefix: string } | undefined;

/** A new, unique name for something that this process owns. */
export function newOwnerName(): string {
  return `${self().prefix}-${randomBytes(6).toString('hex')}`;
}

/** `unknown` is a process of another machine, container or boot: only its age can tell. */
export function ownerState(name: string): 'alive' | 'dead' | 'unknown' {
  const [, host, pid, start] = OWNER.exec(name) ?? [];
  if (host === undefined || host !== self().host) return 'unknown';
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    // EPERM: it lives, as another user's.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'dead';
  }
  return start === startTime(pid) ? 'alive' : 'dead';
}

function self(): { readonly host: string; readonly prefix: string } {
  if (ours === undefined) {
    const machine = [hostname(), readOrEmpty('/proc/sys/kernel/random/boot_id'), pidNamespace()].join('\0');
    const host = createHash('sha256').update(machine).digest('hex').slice(0, 12);
    ours = { host, prefix: `${host}-${process.pid}-${startTime(process.pid)}` };
  }
  return ours;
}

/** In clock ticks since the boot, on Linux; elsewhere 0, and process ids alone decide. Empty for what is dead but not yet reaped. */
function startTime(pid: string | number | undefined): string {
  // The process's name, in parentheses, may itself hold spaces and parentheses.
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return '';
  return fields[18] ?? '0';
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
