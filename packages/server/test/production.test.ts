/** Several processes behind one port. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { defaultApiWorkers, serveProduction } from '../src/index.ts';
import type { ProductionOptions, RunningProduction } from '../src/index.ts';
import { postJson, statusOf } from './raw.ts';

const module = fileURLToPath(new URL('production-service.mjs', import.meta.url));

let server: RunningProduction | undefined;
async function start(options: Partial<ProductionOptions> = {}): Promise<RunningProduction> {
  return (server = await serveProduction({ module, port: 0, apiWorkers: 2, ...options }));
}
afterEach(async () => {
  await server?.close();
  server = undefined;
});

interface Pids {
  readonly api: number;
  readonly runner: number;
}

/** Each over a connection of its own. */
async function pids({ url }: RunningProduction, times: number): Promise<readonly Pids[]> {
  const ask = async () => {
    const headers = { 'content-type': 'application/json', connection: 'close' };
    const response = await fetch(`${url}/pids`, { method: 'POST', headers, body: 'null' });
    return (await response.json()) as Pids;
  };
  const found: Pids[] = [];
  for (let i = 0; i < times; i += 1) found.push(await ask());
  return found;
}

const distinct = <T>(values: readonly T[]) => [...new Set(values)];

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

/** The value of a metric, by its name and labels as the text has them. */
async function metric({ url }: RunningProduction, name: string): Promise<number | undefined> {
  const text = await (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

describe('production', () => {
  test('takes the API workers in turn, which share the workers of a runner; ends them all', async () => {
    const running = await start();
    const answers = await pids(running, 6);
    const api = answers.map((each) => each.api);
    expect(distinct(api)).toHaveLength(2);
    expect(api.slice(2)).toEqual(api.slice(0, 4));
    expect(distinct(answers.map(({ runner }) => runner))).toHaveLength(1);
    expect(api).not.toContain(process.pid);
    expect(await statusOf(`${running.url}/readyz`)).toBe(200);
    await running.close();
    expect([...api, answers[0]?.runner ?? 0].filter(isAlive)).toEqual([]);
    await expect(fetch(running.url)).rejects.toThrow();
  });

  test('finishes what is in flight when it is closed', async () => {
    const running = await start();
    const answers = [1, 2, 3, 4].map(() => postJson(`${running.url}/slow`, '2000'));
    const inProgress =
      'bentoml_api_server_request_in_progress{endpoint="/slow",service_name="s",service_version="not available"}';
    await until(async () => (await metric(running, inProgress)) === 4);
    await running.close();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  test('replaces every process when it is reloaded, and none when a new one does not start', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ekiben-server-'));
    process.env.WORKER_BROKEN_MARK = join(folder, 'broken');
    try {
      const running = await start();
      const before = await pids(running, 2);
      await running.reload();
      const after = await pids(running, 2);
      const all = (answers: readonly Pids[]) => answers.flatMap(({ api, runner }) => [api, runner]);
      expect(all(after).filter((pid) => all(before).includes(pid))).toEqual([]);
      await until(() => !all(before).some(isAlive));

      await writeFile(process.env.WORKER_BROKEN_MARK, '');
      await expect(running.reload()).rejects.toThrow('no weights');
      expect(new Set(all(await pids(running, 2)))).toEqual(new Set(all(after)));
      expect(await statusOf(`${running.url}/readyz`)).toBe(200);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('connections wait while the only API worker is started again', async () => {
    const running = await start({ apiWorkers: 1 });
    const [first] = await pids(running, 1);
    process.kill(first?.api ?? 0, 'SIGKILL');
    await until(() => !isAlive(first?.api ?? 0));
    const [second] = await pids(running, 1);
    expect(second?.api).not.toBe(first?.api);
    expect(second?.runner).toBe(first?.runner);
  });

  test('a worker that is blocked gets no connections', async () => {
    const running = await start();
    const blocked = postJson(`${running.url}/block`, '4000');
    await sleep(2_000);
    const answers = await pids(running, 4);
    expect(distinct(answers.map(({ api }) => api))).toHaveLength(1);
    expect((await blocked).status).toBe(200);
  });

  test('a connection that a worker has not taken before it is killed goes to the next', async () => {
    const running = await start({ apiWorkers: 1 });
    const [first] = await pids(running, 1);
    process.kill(first?.api ?? 0, 'SIGSTOP');
    const answers = [1, 2, 3].map(() => postJson(`${running.url}/pids`, 'null'));
    await sleep(500);
    process.kill(first?.api ?? 0, 'SIGKILL');
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test('what cannot start is the start’s failure, and leaves nothing', async () => {
    await expect(start({ exportName: 'other' })).rejects.toMatchObject({ code: 'EKIBEN_SERVICE_NOT_FOUND' });
    const running = await start();
    await expect(start({ port: running.port })).rejects.toMatchObject({ code: 'EKIBEN_PORT_IN_USE' });
    await running.close();
  });

  test('tells when no API worker is left', async () => {
    const running = await start({ apiWorkers: 1, supervision: { restart: { maxCrashes: 0 } } });
    const [first] = await pids(running, 1);
    process.kill(first?.api ?? 0, 'SIGKILL');
    expect(await running.down).toMatchObject({ code: 'EKIBEN_CHILD_CRASHES_EXCEEDED' });
  });
});

describe('metrics', () => {
  const requests =
    'bentoml_api_server_request_total{endpoint="/pids",http_response_code="200",service_name="s",service_version="not available"}';

  test('are the sum over all processes, and no counter goes back when one is killed or all are replaced', async () => {
    const running = await start();
    const [first] = await pids(running, 10);
    expect(await metric(running, requests)).toBe(10);
    expect(await metric(running, 'asked_total{where="api"}')).toBe(10);
    expect(await metric(running, 'asked_total{where="runner"}')).toBe(10);
    expect(await metric(running, 'sizes_bucket{le="10"}')).toBe(10);
    expect(await metric(running, 'sizes_bucket{le="1"}')).toBe(0);
    expect(await metric(running, 'waiting')).toBe(2);
    expect(await metric(running, 'ekiben_api_server_workers')).toBe(2);

    process.kill(first?.api ?? 0, 'SIGKILL');
    process.kill(first?.runner ?? 0, 'SIGKILL');
    await until(async () => (await metric(running, 'ekiben_api_server_workers')) === 2);
    await until(async () => (await statusOf(`${running.url}/readyz`)) === 200);
    expect(await metric(running, requests)).toBe(10);
    expect(await metric(running, 'asked_total{where="runner"}')).toBe(10);
    expect(await metric(running, 'waiting')).toBe(1);
    expect(await metric(running, 'ekiben_api_server_restarts_total{reason="crashed"}')).toBe(1);

    // What was counted after the last time that anybody asked is told by those that end in good order.
    await pids(running, 5);
    await running.reload();
    await until(async () => (await metric(running, 'waiting')) === 0);
    expect(await metric(running, requests)).toBe(15);
    expect(await metric(running, 'asked_total{where="runner"}')).toBe(15);
    expect(await metric(running, 'sizes_count')).toBe(15);
    expect(await metric(running, 'ekiben_generations_total{outcome="started"}')).toBe(2);
  });
});

describe('API workers by default', () => {
  test.each([
    ['0.25 vCPU, 0.5 GB', 1, 512, 1],
    ['4 vCPU, 8 GB', 4, 8192, 4],
    ['1.5 CPUs', 1.5, 8192, 1],
    ['16 CPUs, 1 GB', 16, 1024, 3],
    ['less memory than for one', 2, 128, 1],
  ])('%s', (_, cpus, memoryMiB, expected) => {
    expect(defaultApiWorkers(cpus, memoryMiB * 2 ** 20)).toBe(expected);
  });
});
