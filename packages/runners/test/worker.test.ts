/** A runner in a process of its own, over the real transport. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { EkibenError } from '@ekiben/spec';
import type { Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import { Cancellation, startRunners, withCallContext } from '../src/index.ts';
import type { RunningRunners } from '../src/index.ts';
import { PROTOCOL, writeCall } from '../src/call-frames.ts';
import type { Hello } from '../src/call-frames.ts';
import { coreOf } from '../src/core.ts';
import { FrameSocket } from '../src/frame-socket.ts';
import { FRAME } from '../src/frames.ts';
import { STREAM_WINDOW } from '../src/limits.ts';
import { makeSocketDirectory } from '../src/socket-directory.ts';
import { writeValue } from '../src/values.ts';
import { WorkerConnection } from '../src/worker-connection.ts';
import { WorkerPool } from '../src/worker-pool.ts';
import { brokenRunner, echoRunner } from './echo.ts';

const module = fileURLToPath(new URL('fixtures/service.mjs', import.meta.url));

let running: RunningRunners | undefined;

async function start() {
  const echo = echoRunner();
  running = await startRunners([echo], { module });
  const { pid = null, socket = null } = running.status()[0]?.workers[0] ?? {};
  if (pid === null || socket === null) throw new Error('no process');
  return { echo, pid, socket, running };
}

afterEach(async () => {
  await running?.close();
  running = undefined;
});

const gone = (pid: number) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

describe('a runner in a process', () => {
  test('answers from another process, tensors to the bit', async () => {
    const { echo, pid } = await start();
    expect(pid).not.toBe(process.pid);
    const rows = tensor(new Float32Array([0.1, -0, NaN, 1e-45]), [2, 2], 'float32');
    expect(await echo.echo.run({ rows, more: [1n, 'ü', null] })).toEqual({ rows, more: [1n, 'ü', null] });
  });

  test('answers many calls at once, each with its own answer', async () => {
    const { echo } = await start();
    const values = Array.from({ length: 500 }, (_, i) => ({ i, text: String(i).repeat(i * 30) }));
    expect(await Promise.all(values.map((value) => echo.echo.run(value)))).toEqual(values);
  });

  test('a large tensor comes back whole', async () => {
    const { echo } = await start();
    const rows = tensor(
      Float64Array.from({ length: 1_000_000 }, (_, i) => i),
      [1000, 1000],
      'float64',
    );
    const answer = (await echo.echo.run(rows)) as Tensor<'float64'>;
    expect(answer.shape).toEqual([1000, 1000]);
    expect(
      Buffer.from(answer.data.buffer, answer.data.byteOffset, 8_000_000).equals(Buffer.from(rows.data.buffer)),
    ).toBe(true);
  });

  test("a user's error keeps its message, code, status and details", async () => {
    const { echo } = await start();
    const fields = { code: 'NO_PATIENT', status: 404, details: { id: 7 } };
    const error = await echo.fail.run(fields).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'Error', message: 'no such patient', ...fields });
    expect(EkibenError.is(error)).toBe(false);
    expect((error as Error).stack).toMatch(/at Echo\.fail .*service\.mjs/); // for the log
  });

  test('a result that cannot travel is a coded error, and the next call works', async () => {
    const { echo } = await start();
    await expect(echo.unsendable.run()).rejects.toMatchObject({ code: 'EKIBEN_VALUE_NOT_TRANSFERABLE' });
    await expect(echo.echo.run(new Map())).rejects.toMatchObject({ code: 'EKIBEN_VALUE_NOT_TRANSFERABLE' });
    expect(await echo.echo.run(1)).toBe(1);
  });

  test('a process that is killed fails the calls inside with a coded error', async () => {
    const { echo, pid } = await start();
    const call = echo.later.run(60_000);
    await echo.echo.run('the call before has arrived');
    process.kill(pid, 'SIGKILL');
    await expect(call).rejects.toMatchObject({ code: 'EKIBEN_RUNNER_CRASHED', details: { runner: 'echo' } });
    expect(EkibenError.is(await call.catch((error: unknown) => error))).toBe(true);
  });

  test('a cancelled call is given up at once', async () => {
    const { echo } = await start();
    const controller = new AbortController();
    const call = echo.later.with({ signal: controller.signal }).run(60_000);
    controller.abort(new Error('the client left'));
    await expect(call).rejects.toThrow('the client left');
    await expect(echo.echo.with({ signal: controller.signal }).run(1)).rejects.toThrow('the client left');
  });

  test('a deadline holds while the process is blocked', async () => {
    const { echo } = await start();
    const blocked = echo.block.run(1000);
    const late = echo.echo.with({ deadline: performance.now() + 100 }).run(1);
    await expect(late).rejects.toMatchObject({ code: 'EKIBEN_DEADLINE_EXCEEDED' });
    expect(await blocked).toBe('done');
  });

  test('streams items as they come, and no further than they are read', async () => {
    const { echo } = await start();
    const all: number[] = [];
    for await (const item of echo.count.stream(100)) all.push(item);
    expect(all).toEqual(Array.from({ length: 100 }, (_, i) => i));
    for await (const item of echo.count.stream(Infinity)) if (item === 50) break;
    const produced = await echo.produced.run();
    expect(produced).toBeLessThan(100 + 50 + 3 * STREAM_WINDOW);
    expect(await echo.produced.run()).toBe(produced);
  });

  test('a stream that fails gives what came before, then its error', async () => {
    const { echo } = await start();
    const items: number[] = [];
    const read = async () => {
      for await (const item of echo.failAfter.stream(40)) items.push(item);
    };
    await expect(read()).rejects.toMatchObject({ message: 'broke off', code: 'BROKE_OFF' });
    expect(items).toHaveLength(40);
    const notOne = async () => {
      for await (const item of echo.echo.with({}).stream(1) as unknown as AsyncIterable<unknown>)
        items.push(item as number);
    };
    await expect(notOne()).rejects.toMatchObject({ code: 'EKIBEN_METHOD_NOT_STREAMING' });
  });

  test('an error whose details cannot travel comes without them', async () => {
    const { echo } = await start();
    await expect(echo.deepError.run()).rejects.toMatchObject({ message: 'deep' });
  });

  test('the context of the request gets there', async () => {
    const { echo } = await start();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const tracestate = 'vendor=t61rcWkgMzE';
    const context = {
      traceparent,
      tracestate,
      caller: 'web',
      deadline: performance.now() + 60_000,
      signal: new Cancellation(),
    };
    expect(await withCallContext(context, () => echo.context.run())).toEqual({
      traceparent,
      tracestate,
      caller: 'web',
      hasDeadline: true,
      hasSignal: true,
    });
    expect(await echo.context.run()).toEqual({
      hasDeadline: false,
      hasSignal: false,
      traceparent: undefined,
      tracestate: undefined,
      caller: undefined,
    });
  });

  test('a method hears that its call was given up', async () => {
    const { echo } = await start();
    const request = new Cancellation();
    const call = withCallContext({ signal: request }, () => echo.untilCancelled.run());
    await echo.echo.run('the call before has arrived');
    request.abort(new Error('client closed'));
    await expect(call).rejects.toThrow('client closed');
    expect(await echo.heard.run()).toBe('EKIBEN_CALL_CANCELLED');
  });

  test('many calls on one signal are no leak', async () => {
    const { echo } = await start();
    const warnings: Error[] = [];
    const warn = (warning: Error) => void warnings.push(warning);
    process.on('warning', warn);
    const controller = new AbortController();
    const calls = Array.from({ length: 30 }, () => echo.later.with({ signal: controller.signal }).run(60_000));
    await nextTurn();
    controller.abort(new Error('stop'));
    const outcomes = await Promise.allSettled(calls);
    process.off('warning', warn);
    expect(
      outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason === controller.signal.reason),
    ).toBe(true);
    expect(warnings).toEqual([]);
  });

  test('a caller feels that the worker does not read, instead of filling its own memory', async () => {
    const { pid, socket } = await start();
    const connection = await WorkerConnection.open(socket, { protocol: PROTOCOL, runner: 'echo', models: [] });
    process.kill(pid, 'SIGSTOP');
    const calls: Promise<unknown>[] = [];
    while (!connection.isFull && calls.length < 100) {
      calls.push(connection.call('zeros', [1, new Uint8Array(1 << 20)], {}));
      await nextTurn();
    }
    expect(calls.length).toBeLessThan(10);
    process.kill(pid, 'SIGCONT');
    await new Promise<void>((resolve) => connection.onDrain(resolve));
    expect(await Promise.all(calls)).toEqual(calls.map(() => new Uint8Array(1)));
    await connection.close();
  });

  test('a call that is held back, because the worker reads nothing or is not there, ends when it is over', async () => {
    const { pid, socket } = await start();
    const pool = new WorkerPool({ protocol: PROTOCOL, runner: 'echo', models: [] });
    const callsThatEnd = async () => {
      const request = new Cancellation();
      const cancelled = pool.call('echo', [1], { signal: request });
      const late = pool.call('echo', [1], { deadline: performance.now() + 20 });
      await nextTurn();
      request.abort(new Error('the client left'));
      await expect(cancelled).rejects.toThrow('the client left');
      await expect(late).rejects.toMatchObject({ code: 'EKIBEN_DEADLINE_EXCEEDED' });
    };
    await callsThatEnd();
    pool.update([socket]);
    await pool.ready();
    process.kill(pid, 'SIGSTOP');
    const full: Promise<unknown>[] = [];
    for (let i = 0; i < 20; i++) {
      full.push(pool.call('zeros', [1, new Uint8Array(1 << 20)], {}));
      await nextTurn();
    }
    await callsThatEnd();
    process.kill(pid, 'SIGCONT');
    expect(await Promise.all(full)).toEqual(full.map(() => new Uint8Array(1)));
    await pool.close();
  });

  test('a pool is closed when the workers that it was told to leave have answered', async () => {
    const { socket } = await start();
    const pool = new WorkerPool({ protocol: PROTOCOL, runner: 'echo', models: [] });
    pool.update([socket]);
    await pool.ready();
    const order: string[] = [];
    const owed = pool.call('later', [200], {}).then(() => order.push('answered'));
    pool.update([]);
    await pool.close();
    order.push('closed');
    await owed;
    expect(order).toEqual(['answered', 'closed']);
  });

  test('a pool that is closed does not wait for a worker that hangs to greet it', async () => {
    const { pid, socket } = await start();
    process.kill(pid, 'SIGSTOP');
    const pool = new WorkerPool({ protocol: PROTOCOL, runner: 'echo', models: [] });
    pool.update([socket]);
    await nextTurn();
    await pool.close(); // else it would be longer than a test may take
    expect(pool.isReady).toBe(false);
    process.kill(pid, 'SIGCONT');
  });

  test('a worker reads no further calls while their answers are not read', async () => {
    const { socket, echo, running } = await start();
    const CALLS = 3000;
    let answers = 0;
    let done = () => {};
    const frames = new FrameSocket({
      socket,
      onFrame(kind) {
        if (kind === FRAME.hello) frames.trust();
        if (kind === FRAME.result && ++answers === CALLS) done();
      },
      onClose() {},
    });
    const hello: Hello = { protocol: PROTOCOL, runner: 'echo', models: [] };
    frames.send(FRAME.hello, 0, (to) => writeValue(to, hello, 'hello'));
    const zeros = [...coreOf(echo).methods.keys()].indexOf('zeros');
    for (let id = 1; id <= CALLS; id++) {
      frames.send(FRAME.call, id, (to) => writeCall(to, zeros, 'zeros', [1 << 17], {}, false));
    }
    frames.flush();
    frames.pause();
    for (let i = 0; i < 10; i++) expect(await echo.later.run(100)).toBe('done'); // it has time to do too much
    expect(running.status()[0]?.workers[0]?.memoryBytes).toBeLessThan(300 * 2 ** 20);
    await new Promise<void>((resolve) => {
      done = resolve;
      frames.resume();
    });
    frames.destroy();
  });

  test('one that breaks off its own process does not harm the caller', async () => {
    const { echo } = await start();
    await expect(echo.exit.run(3)).rejects.toMatchObject({ code: 'EKIBEN_RUNNER_CRASHED' });
    expect(await echo.echo.run('to the next process')).toBe('to the next process');
  });

  test('leaves no process and no socket file', async () => {
    const { pid, socket, running } = await start();
    expect(existsSync(socket)).toBe(true);
    await running.close();
    expect(gone(pid)).toBe(true);
    expect(existsSync(dirname(socket))).toBe(false);
  });

  test.each([
    ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a frame longer than a hello may be', Buffer.from([0xff, 0xff, 0xff, 0x00, 1])],
    ['a call before the hello', Buffer.from([5, 0, 0, 0, 2, 1, 0, 0, 0])],
    ['half a frame, then the end', Buffer.from([50, 0, 0, 0, 1])],
  ])('%s ends that connection, and no other', async (_, bytes) => {
    const { echo, socket } = await start();
    const hostile = connect(socket).resume();
    hostile.write(bytes);
    if (bytes.length === 5) hostile.end();
    await once(hostile, 'close');
    expect(await echo.echo.run(1)).toBe(1);
  });

  test.each([
    ['a value that ends too early', FRAME.result, [5, 255, 0, 0, 0]],
    ['a kind that no worker sends', FRAME.call, []],
  ])('%s from a worker fails the calls under way, with a coded error', async (_, kind, body) => {
    const directory = await makeSocketDirectory();
    const path = join(directory.path, '0.sock');
    const worker = createServer({ pauseOnConnect: true }, (socket) => {
      const frames = new FrameSocket({
        socket,
        onFrame(received, id) {
          if (received === FRAME.call) frames.send(kind, id, (to) => to.bytes(Uint8Array.from(body)));
          if (received !== FRAME.hello) return;
          frames.send(FRAME.hello, 0, (to) => writeValue(to, { methods: ['echo'] }, 'hello'));
          frames.trust();
        },
        onClose() {},
      });
    }).listen(path);
    await once(worker, 'listening');
    const connection = await WorkerConnection.open(path, { protocol: PROTOCOL, runner: 'echo', models: [] });
    const calls = [connection.call('echo', [1], {}), connection.call('echo', [2], {})];
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({
        code: 'EKIBEN_RUNNER_CRASHED',
        cause: { code: 'EKIBEN_FRAME_INVALID' },
      });
    }
    worker.close();
    await directory.remove();
  });

  test('refuses a caller that resolved another version of the model', async () => {
    const { echo, socket } = await start();
    const hello = { protocol: PROTOCOL, runner: 'echo', models: ['m:2'] };
    const opened = WorkerConnection.open(socket, hello);
    await expect(opened).rejects.toMatchObject({ code: 'EKIBEN_RUNNER_MISMATCH' });
    const newer = WorkerConnection.open(socket, { protocol: PROTOCOL + 1, runner: 'echo', models: [] });
    await expect(newer).rejects.toMatchObject({ code: 'EKIBEN_RUNNER_MISMATCH' });
    const pool = new WorkerPool(hello);
    pool.update([socket]);
    await expect(pool.ready()).rejects.toMatchObject({ code: 'EKIBEN_RUNNER_MISMATCH' });
    await pool.close();
    expect(await echo.echo.run(1)).toBe(1);
  });

  test('one that cannot start tells why', async () => {
    await expect(startRunners([brokenRunner()], { module })).rejects.toMatchObject({
      message: 'no weights',
      code: 'WEIGHTS',
    });
    await expect(startRunners([echoRunner()])).rejects.toMatchObject({ code: 'EKIBEN_SERVICE_MODULE_UNKNOWN' });
  });
});
