// What `ekiben serve --production` promises of its life, under load, with every request counted: signals, rolling restarts, models that
// move, processes that die, hang or leak, and clients that misbehave.
//
//     node checks/life-cycle.mjs [--seconds 20] [--connections 5000] [NAME …]
//
// How long the overload lasts, how many connections come and go, and only the cases whose names contain one of these.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ModelStore, serveProduction } from 'ekiben';
import { check, finish, isInstalled, run, skip, temporary } from '../../store/checks/harness.mjs';
import { ask, Load } from './load.mjs';
import { overload } from './overload.mjs';

const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
const service = fileURLToPath(new URL('life-cycle-service.mjs', import.meta.url));
const home = temporary();
const sockets = temporary();
const mark = join(home, 'broken');
const env = { ...process.env, EKIBEN_HOME: home, TMPDIR: sockets, BROKEN_MARK: mark };
Object.assign(process.env, { EKIBEN_HOME: home, TMPDIR: sockets, BROKEN_MARK: mark });

const store = new ModelStore(home);
const save = async (factor) =>
  (await store.create('scale', (draft) => draft.write('scale.json', Buffer.from(JSON.stringify({ factor }))))).tag;
const [first, second, broken] = [await save(2), await save(5), await save('none')];
const FACTORS = { [first]: 2, [second]: 5 };
await store.alias(first, 'production');

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '20' },
    connections: { type: 'string', default: '5000' },
  },
});
async function test(name, body, seconds = WATCHDOG_SECONDS) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) return;
  const started = performance.now();
  await check(name, async () => {
    await store.alias(first, 'production');
    for (const left of [mark, ...readdirSync(sockets).map((name) => join(sockets, name))]) {
      rmSync(left, { recursive: true, force: true });
    }
    try {
      const late = sleep(seconds * 1000, undefined, { ref: false }).then(() => Promise.reject(new Error('it hangs')));
      await Promise.race([body(), late]);
      assert.deepEqual(readdirSync(sockets), [], 'sockets were left');
    } finally {
      // What a case that failed has left.
      for (const load of Load.running) load.giveUp();
      for (const server of servers.splice(0)) server.kill();
    }
  });
  console.log(`  ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

const WATCHDOG_SECONDS = 120;

/** That may have to be ended by force. */
const servers = [];

/** The command, as a user starts it. */
class Server {
  /** @param {{ workers?: number, prefix?: string[], stderr?: string, env?: object }} [options]  `prefix`: what the command runs under */
  static async start({ workers = 2, prefix = [], env: more = {} } = {}) {
    const command = [
      process.execPath,
      bin,
      'serve',
      service,
      '--production',
      '--port',
      '0',
      '--api-workers',
      `${workers}`,
    ];
    const [program, ...args] = [...prefix, ...command];
    const server = new Server();
    servers.push(server);
    // Its lines would be read by the process that makes the load.
    const quiet = { EKIBEN__API_SERVER__LOGGING__ACCESS__ENABLED: 'false' };
    server.process = spawn(program, args, { env: { ...env, ...quiet, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
    server.ended = new Promise((resolve) => server.process.once('exit', (code, signal) => resolve({ code, signal })));
    server.process.stderr.on('data', (chunk) => (server.log += chunk));
    const ready = new Promise((resolve) => {
      createInterface(server.process.stdout).on('line', (line) => {
        server.log += `${line}\n`;
        const url = /Serving.* on (http:\S+)/.exec(line);
        if (url !== null) resolve(url[1]);
      });
    });
    const ended = server.ended.then(() => Promise.reject(new Error(`it did not start:\n${server.log}`)));
    server.url = await Promise.race([ready, ended]);
    return server;
  }

  log = '';

  kill() {
    for (const pid of [...descendants(this.pid), this.pid].filter(isAlive)) process.kill(pid, 'SIGKILL');
  }

  get pid() {
    return this.process.pid;
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  /** Resolves when the log says so. */
  async says(text, times = 1) {
    await until(() => this.log.split(text).length > times, `the log to say '${text}'`);
  }

  async metric(name) {
    const { text } = await ask(`${this.url}/metrics`);
    const line = text.split('\n').find((each) => each.startsWith(`${name} `) || each.startsWith(`${name}{`));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ')));
  }

  /** Ends it, and sees that nothing is left. */
  async stop() {
    const children = descendants(this.pid);
    this.process.kill('SIGTERM');
    assert.deepEqual(await this.ended, { code: 0, signal: null });
    await nothingLeft(this, children);
  }
}

/** In this process, for what the command has no option for. */
async function serve(options) {
  const server = await serveProduction({ module: service, port: 0, apiWorkers: 2, ...options });
  servers.push(server);
  return server;
}

async function nothingLeft({ port }, children) {
  await until(() => !children.some(isAlive), 'every process to end');
  await until(
    async () => (await ask(`http://127.0.0.1:${port}/livez`)).error === 'ECONNREFUSED',
    'the port to be free',
  );
}

function descendants(pid) {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  const all = stdout
    .trim()
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line));
  const below = (parent) =>
    all.filter((each) => Number(each[2]) === parent).flatMap((each) => [Number(each[1]), ...below(Number(each[1]))]);
  return below(pid);
}

function isAlive(pid) {
  try {
    // One that nobody has waited for is dead, too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function residentMiB(pid) {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

async function until(condition, what = () => String(condition), seconds = 40) {
  for (const end = performance.now() + seconds * 1000; ;) {
    if (await condition()) return;
    if (performance.now() > end) throw new Error(`waited ${seconds} s for ${typeof what === 'string' ? what : what()}`);
    await sleep(25);
  }
}

const answering = (load, more = 200, seconds = 40) => {
  const goal = load.answered + more;
  return until(
    () => load.answered >= goal,
    () => `${more} answers, of ${load}`,
    seconds,
  );
};

/** What every answer has to be: of one version, in API worker and runner, and right. */
function judge({ value, tag, api }) {
  if (tag !== api) return `API worker of ${api}, runner of ${tag}`;
  if (value !== 3 * FACTORS[tag]) return `${value} by ${tag}`;
  return undefined;
}

function noneFailed(load) {
  assert.equal(load.failed + load.counts.refused, 0, String(load));
  assert.deepEqual([...load.counts.wrong], []);
}

const raw = (port, text) =>
  new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setEncoding('latin1').on('data', (chunk) => (answer += chunk));
    socket.on('error', (error) => (answer += error.code)).on('close', () => resolve(answer));
  });

// --- signals

await test('SIGTERM: not ready, requests in flight are answered, nothing is reset, exit code 0', async () => {
  const server = await Server.start();
  const children = descendants(server.pid);
  const load = new Load(server.url, { judge, untilRefused: true });
  const slow = new Load(server.url, { path: '/slow', body: () => 1_500, connections: 8, untilRefused: true });
  const probes = new Load(server.url, { path: '/readyz', body: () => undefined, connections: 4, untilRefused: true });
  await answering(load);
  const started = performance.now();
  server.process.kill('SIGTERM');
  const { code } = await server.ended;
  const took = performance.now() - started;
  await Promise.all([load.ended(), slow.ended(), probes.ended()]);
  assert.equal(code, 0);
  assert.ok(took > 300 && took < 10_000, `it took ${took} ms`);
  for (const each of [load, slow]) assert.equal(each.failed, 0, String(each));
  assert.ok((probes.counts.statuses.get(503) ?? 0) > 0, `readiness did not go off: ${probes}`);
  assert.equal(probes.counts.errors.size, 0, String(probes));
  await nothingLeft(server, children);
});

await test('SIGTERM twice: ends at once', async () => {
  const server = await Server.start();
  const children = descendants(server.pid);
  const slow = new Load(server.url, { path: '/slow', body: () => 20_000, connections: 4, untilRefused: true });
  await sleep(500);
  server.process.kill('SIGTERM');
  await sleep(300);
  const started = performance.now();
  server.process.kill('SIGTERM');
  assert.equal((await server.ended).code, 143);
  assert.ok(performance.now() - started < 3_000);
  await nothingLeft(server, children);
  await slow.ended();
});

await test('SIGHUP: every process is replaced, no request fails', async () => {
  const server = await Server.start();
  const load = new Load(server.url, { judge });
  await answering(load);
  const before = descendants(server.pid);
  for (let times = 2; times <= 3; times += 1) {
    server.process.kill('SIGHUP');
    await server.says('Ready', times);
    await answering(load);
  }
  await until(() => !before.some(isAlive), 'the old processes to end');
  noneFailed(await load.stop());
  await server.stop();
});

if (isInstalled('promtool', 'prometheus')) {
  await test('promtool finds no fault in the metrics of all processes', async () => {
    const server = await Server.start();
    const load = new Load(server.url, { judge });
    await answering(load);
    await load.stop();
    const file = join(home, 'metrics.txt');
    writeFileSync(file, (await ask(`${server.url}/metrics`)).text);
    assert.match(readFileSync(file, 'utf8'), /^bentoml_api_server_request_total\{endpoint="\/scale"/m);
    run('sh', ['-c', `promtool check metrics < '${file}'`]);
    await server.stop();
  });
} else skip('promtool', 'it is not installed');

// --- models that move

await test('an alias moves and is rolled back: no request fails, each answer is of one version', async () => {
  const server = await Server.start();
  const load = new Load(server.url, { judge });
  await answering(load);
  await store.alias(second, 'production');
  await server.says('Ready', 2);
  await answering(load);
  run(process.execPath, [bin, 'models', 'rollback', 'scale', 'production'], { env });
  await server.says('Ready', 3);
  const since = performance.now() + 3_000;
  await until(() => performance.now() > since);
  await answering(load);
  noneFailed(await load.stop());
  const versions = (from, to) => [
    ...new Set(load.answers.filter(({ at }) => at > from && at < to).map(({ body }) => body.tag)),
  ];
  assert.deepEqual(new Set(versions(0, Infinity)), new Set([first, second]));
  assert.deepEqual(versions(since, Infinity), [first]);
  await server.stop();
});

await test('a version that does not load is not taken', async () => {
  const server = await Server.start();
  const load = new Load(server.url, { judge });
  await answering(load);
  const before = descendants(server.pid);
  await store.alias(broken, 'production');
  await server.says('what was there stays');
  assert.match(server.log, new RegExp(`${broken} has no factor`));
  await answering(load);
  assert.equal((await ask(`${server.url}/readyz`)).status, 200);
  assert.equal(await server.metric('ekiben_generations_total{outcome="refused"}'), 1);
  noneFailed(await load.stop());
  assert.ok(before.every(isAlive));
  await server.stop();
});

// --- processes that die, hang or leak

await test('kill -9 of a runner worker: only the calls inside fail', async () => {
  const server = await Server.start();
  const load = new Load(server.url, { judge });
  await answering(load);
  const victim = load.answers.at(-1).body.pid;
  process.kill(victim, 'SIGKILL');
  await server.says('crashed');
  await until(async () => (await ask(`${server.url}/readyz`)).status === 200);
  const { failed } = load;
  await answering(load);
  await load.stop();
  assert.equal(load.failed, failed, 'more failed after it was back');
  assert.ok(failed <= 16, String(load));
  assert.deepEqual([...load.counts.errors], []);
  assert.ok(
    [...load.counts.statuses.keys()].every((status) => [200, 503].includes(status)),
    String(load),
  );
  assert.deepEqual([...load.counts.wrong], []);
  assert.equal(await server.metric('ekiben_runner_restarts_total'), 1);
  await server.stop();
});

await test('kill -9 of an API worker: only the requests inside fail', async () => {
  const server = await Server.start();
  const load = new Load(server.url, { judge });
  await answering(load);
  process.kill(load.answers.at(-1).body.apiPid, 'SIGKILL');
  await server.says('crashed');
  await until(async () => (await server.metric('ekiben_api_server_workers')) === 2);
  const { failed } = load;
  await answering(load);
  await load.stop();
  assert.equal(load.failed, failed, 'more failed after it was back');
  assert.ok(failed <= 16, String(load)); // none, where the worker had none inside
  assert.deepEqual([...load.counts.statuses.keys()], [200]);
  assert.equal(load.counts.refused, 0);
  assert.equal(await server.metric('ekiben_api_server_restarts_total{reason="crashed"}'), 1);
  await server.stop();
});

await test('kill -9 of the supervisor: what is in flight is answered, and nothing is left', async () => {
  const server = await Server.start();
  const children = descendants(server.pid);
  assert.ok(children.length >= 5);
  const slow = new Load(server.url, { path: '/slow', body: () => 1_000, connections: 8, untilRefused: true });
  const load = new Load(server.url, { judge, untilRefused: true });
  await answering(load);
  process.kill(server.pid, 'SIGKILL');
  await Promise.all([slow.ended(), load.ended()]);
  assert.equal(slow.failed, 0, String(slow));
  assert.equal(load.failed, 0, String(load));
  await nothingLeft(server, children);
});

await test('kill -9 of every process: the next start cleans up', async () => {
  const server = await Server.start();
  const children = descendants(server.pid);
  for (const pid of [server.pid, ...children]) process.kill(pid, 'SIGKILL');
  await nothingLeft(server, children);
  const left = readdirSync(sockets);
  assert.ok(left.length > 0);
  const longAgo = Date.now() / 1000 - 3600;
  for (const name of left) utimesSync(join(sockets, name), longAgo, longAgo);
  await (await Server.start()).stop();
});

await test('an API worker that does not start again: the other one serves; when none is left, exit code 1', async () => {
  const server = await Server.start();
  const load = new Load(server.url, { judge, keepAlive: false, connections: 4 });
  await answering(load);
  writeFileSync(mark, '');
  process.kill(load.answers.at(-1).body.apiPid, 'SIGKILL');
  await server.says('down');
  const { failed } = load;
  await answering(load);
  assert.equal((await ask(`${server.url}/readyz`)).status, 200);
  await load.stop();
  assert.equal(load.failed, failed, String(load));
  process.kill(load.answers.at(-1).body.apiPid, 'SIGKILL');
  assert.equal((await server.ended).code, 1);
  assert.match(server.log, /broken, as the mark says/);
});

await test('a runner that does not start again: not ready, the rest is served', async () => {
  const server = await Server.start();
  writeFileSync(mark, '');
  const pids = new Set();
  await until(async () => {
    pids.add(JSON.parse((await ask(`${server.url}/scale`, 3)).text).pid);
    return pids.size === 2;
  });
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await until(async () => (await ask(`${server.url}/readyz`)).status === 503);
  assert.match((await ask(`${server.url}/readyz`)).text, /runner scale is down/);
  assert.equal((await ask(`${server.url}/livez`)).status, 200);
  assert.equal((await ask(`${server.url}/slow`, 1)).status, 200);
  assert.equal((await ask(`${server.url}/scale`, 3)).status, 503);
  rmSync(mark);
  server.process.kill('SIGHUP');
  await server.says('Ready', 2);
  await until(async () => (await ask(`${server.url}/scale`, 3)).status === 200);
  await server.stop();
});

await test('an API worker that blocks for 30 s is replaced; others get the requests meanwhile', async () => {
  const supervision = { unresponsiveMs: 5_000 };
  const server = await serve({ supervision });
  const blocked = ask(`${server.url}/block`, 30_000);
  await sleep(2_000);
  const load = new Load(server.url, { judge, keepAlive: false, connections: 4 });
  assert.equal((await blocked).error, 'ECONNRESET');
  await answering(load);
  noneFailed(await load.stop());
  await server.close();
});

await test('an API worker that leaks is replaced, and no request fails', async () => {
  const server = await serve({ apiWorkerMemoryMiB: 250 });
  const load = new Load(server.url, { judge });
  await answering(load);
  const before = new Set(load.answers.map(({ body }) => body.apiPid));
  const leaking = new Load(server.url, { path: '/leak', body: () => 10, connections: 1, keepAlive: false });
  await until(() => ![...before].some(isAlive), 'both to be replaced');
  assert.equal((await leaking.stop()).failed, 0, String(leaking));
  noneFailed(await load.stop());
  await server.close();
});

// --- too much of everything

await test('overload: 3 times what a runner can compute', async () => {
  const server = await Server.start({ workers: 1 });
  // Requests of 50 rows, 2 to a full batch of 100, which takes 12 ms. (Of one row each, there would be 25,000 a second to send, and
  // what runs out would be this machine's CPU.)
  const body = Array.from({ length: 50 }, (_, row) => row);
  const capacity = 2 / 0.012;
  const [seconds, maxLatencyMs] = [Number(values.seconds), 200];
  const memory = () => descendants(server.pid).reduce((sum, pid) => sum + residentMiB(pid), 0);
  const load = { port: server.port, path: '/costly', body, rate: 3 * capacity, seconds, connections: 500 };
  // Before V8 has compiled what is used, all takes longer; of a minute that would be the hundredth part that p99 leaves out.
  const cold = await overload({ ...load, seconds: 3 });
  assert.ok(cold.answers.every(({ status }) => status === 200 || status === 503));
  let early = 0;
  setTimeout(() => (early = memory()), Math.min(10, seconds / 2) * 1000);
  const { sent, missed, lost, answers } = await overload(load);
  const late = memory();
  const by = (status) => answers.filter((answer) => answer.status === status);
  const [accepted, refused] = [by(200), by(503)];
  const p99 = (of) => of.map(({ ms }) => ms).sort((a, b) => a - b)[Math.floor(of.length * 0.99)];
  const goodput = accepted.length / seconds / capacity;
  console.log(
    `  sent ${sent}, not sent ${missed}; accepted ${accepted.length} (${(goodput * 100).toFixed(1)} % of capacity), p99 ` +
      `${p99(accepted)?.toFixed(0)} ms; refused ${refused.length}, p99 ${p99(refused)?.toFixed(0)} ms; ` +
      `memory ${early.toFixed(0)} → ${late.toFixed(0)} MiB`,
  );
  assert.ok(sent > 2 * capacity * seconds, 'the client could not send enough');
  assert.equal(lost, 0);
  const others = answers.filter(({ status }) => status !== 200 && status !== 503).map(({ status }) => status);
  assert.deepEqual([new Set(others), others.length, answers.length], [new Set(), 0, sent]);
  assert.ok(refused.every(({ retryAfter }) => retryAfter));
  assert.ok(p99(refused) < maxLatencyMs);
  assert.ok(p99(accepted) < maxLatencyMs);
  assert.ok(goodput >= 0.9);
  assert.ok(late < early * 1.1);
  await server.stop();
});

await test('out of file descriptors: goes on', async () => {
  const server = await Server.start({ prefix: ['sh', '-c', 'ulimit -n 90; exec "$@"', 'sh'] });
  const crowd = Array.from({ length: 400 }, () => connect(server.port, '127.0.0.1').on('error', () => {}));
  await sleep(2_000);
  for (const socket of crowd) socket.destroy();
  await until(async () => (await ask(`${server.url}/scale`, 3)).status === 200);
  const load = new Load(server.url, { judge });
  await answering(load);
  noneFailed(await load.stop());
  assert.doesNotMatch(server.log, /crashed/);
  await server.stop();
});

await test('full disk under the log: goes on', async () => {
  const server = await Server.start({ prefix: ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh'] });
  const failing = new Load(server.url, { path: '/fail', connections: 4 });
  const load = new Load(server.url, { judge });
  await answering(load);
  await Promise.all([failing.stop(), load.stop()]);
  noneFailed(load);
  assert.deepEqual([...failing.counts.statuses.keys()], [500]);
  assert.deepEqual([...failing.counts.errors], []);
  assert.equal(await server.metric('ekiben_api_server_restarts_total'), 0);
  await server.stop();
});

if (isInstalled('faketime')) {
  await test('the clock jumps a day ahead and back: goes on', async () => {
    const clock = join(home, 'clock');
    writeFileSync(clock, '+0');
    const library = run('dpkg', ['-L', 'libfaketime'])
      .split('\n')
      .find((path) => path.endsWith('/libfaketime.so.1'));
    const server = await Server.start({
      env: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    });
    const load = new Load(server.url, { judge });
    const date = async () => Date.parse((await ask(`${server.url}/livez`)).headers.date);
    for (const [offset, days] of [
      ['+1d', 1],
      ['-1d', -1],
      ['+0', 0],
    ]) {
      writeFileSync(clock, offset);
      await sleep(1_500);
      const seen = (await date()) - Date.now();
      assert.ok(Math.abs(seen - days * 86_400_000) < 60_000, `the server's clock is ${seen} ms ahead, not ${offset}`);
      await answering(load);
    }
    noneFailed(await load.stop());
    assert.equal(await server.metric('ekiben_api_server_restarts_total'), 0);
    await server.stop();
  });
} else skip('the clock jumps', 'faketime is not installed');

await test('slow clients are shown out, and nobody waits for them', async () => {
  const server = await serve({ headersTimeoutMs: 2_000 });
  const slow = Array.from({ length: 200 }, async () => {
    let answer = '';
    const socket = connect(server.port, '127.0.0.1', () => socket.write('POST /scale HTTP/1.1\r\n'));
    const drip = setInterval(() => socket.write('x: y\r\n'), 500);
    socket.setEncoding('latin1').on('data', (chunk) => (answer += chunk));
    await new Promise((resolve) => socket.on('error', () => {}).on('close', resolve));
    clearInterval(drip);
    return answer;
  });
  const load = new Load(server.url, { judge, keepAlive: false });
  const answers = await Promise.all(slow);
  noneFailed(await load.stop());
  assert.ok(load.answered > 100);
  assert.ok(
    answers.every((answer) => answer.startsWith('HTTP/1.1 408 ')),
    answers.find((each) => !each.startsWith('HTTP/1.1 408 ')),
  );
  await server.close();
});

await test('clients that hang up, half-close, pipeline or send garbage: goes on', async () => {
  const server = await Server.start();
  const load = new Load(server.url, { judge });
  const post = (body) =>
    `POST /scale HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  for (let round = 0; round < 50; round += 1) {
    const pipelined = raw(
      server.port,
      post('3').repeat(9) + post('3').replace('host: x', 'host: x\r\nconnection: close'),
    );
    assert.equal((await pipelined).split('HTTP/1.1 200 OK').length, 11);
    assert.match(await raw(server.port, '\x16\x03\x01 no HTTP\r\n\r\n'), /^HTTP\/1\.1 400 /);
    for (const end of ['destroy', 'end', 'resetAndDestroy']) {
      const socket = connect(server.port, '127.0.0.1', () => {
        socket.write(post(`3${' '.repeat(100)}`).slice(0, round % 2 === 0 ? -50 : undefined), () => socket[end]());
      });
      await new Promise((resolve) =>
        socket
          .on('error', () => {})
          .on('close', resolve)
          .resume(),
      );
    }
  }
  await answering(load);
  noneFailed(await load.stop());
  const inProgress =
    'bentoml_api_server_request_in_progress{endpoint="/scale",service_name="life-cycle",service_version="not available"}';
  await until(async () => (await server.metric(inProgress)) === 0, 'no request to be in progress');
  assert.equal(await server.metric('ekiben_api_server_restarts_total'), 0);
  await server.stop();
});

const connections = Number(values.connections);
// A busy machine takes a hundred a second.
const churnSeconds = WATCHDOG_SECONDS + connections / 100;
const churning = async () => {
  const server = await Server.start();
  const churn = async (more) => {
    const load = new Load(server.url, { judge, keepAlive: false, pauseMs: 0 });
    await answering(load, more, churnSeconds);
    noneFailed(await load.stop());
    return descendants(server.pid).reduce((sum, pid) => sum + residentMiB(pid), residentMiB(server.pid));
  };
  // A heap grows up to where it is worth collecting, and no further.
  const [before, after] = [await churn(connections / 2), await churn(connections / 2)];
  console.log(`  memory of all processes ${before.toFixed(0)} → ${after.toFixed(0)} MiB`);
  assert.ok(after < before * 1.15);
  assert.equal(await server.metric('ekiben_api_server_restarts_total'), 0);
  await server.stop();
};
await test(`${connections} connections come and go`, churning, 2 * churnSeconds);

finish();
process.exit();
