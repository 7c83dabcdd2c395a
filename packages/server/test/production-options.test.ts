/** What a server does in one process, several do together. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

interface Line {
  readonly said?: string;
  readonly pid?: number;
  readonly msg?: string;
  readonly request?: { readonly path: string };
  readonly url?: string;
  readonly pids?: readonly number[];
}

test('a Unix socket, a prefix, hooks and the access log, in production', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ekiben-socket-'));
  const socket = join(directory, 's.sock');
  try {
    const program = fileURLToPath(new URL('production-options.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program, socket]);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    const { url, pids = [] } = lines.find((line) => line.pids !== undefined) ?? {};
    expect(url).toBe(`unix:${socket}`);
    const workers = new Set(pids);
    expect([pids.length, workers.size]).toEqual([4, 2]);

    const said = (what: string) => lines.filter((line) => line.said === what).map(({ pid }) => pid);
    expect(said('deployment')).toHaveLength(1);
    expect(new Set(said('startup'))).toEqual(workers);
    expect(new Set(said('shutdown'))).toEqual(workers);
    expect([said('startup').length, said('shutdown').length]).toEqual([2, 2]);

    const logged = lines.filter(({ msg }) => msg === 'request');
    // Lines of two processes come in any order.
    expect(logged.map((line) => String(line.pid)).toSorted()).toEqual(pids.map(String).toSorted());
    expect(logged.map(({ request }) => request?.path)).toEqual(['/pid', '/pid', '/pid', '/pid']);
    expect(existsSync(socket)).toBe(false);
  } finally {
    await rm(directory, { recursive: true });
  }
});
