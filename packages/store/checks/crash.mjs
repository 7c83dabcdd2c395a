// Kills, full disks and crowds: whatever happens to a process in the middle of a change, the store is as before it or as after it.
//
// Every change runs once under strace to count its file-system calls, and then again for each of them, killed there. With one thread
// in the pool the order of the calls is fixed.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { check, dist, finish, isInstalled, run, skip, start, temporary } from './harness.mjs';

const { ModelStore } = await import(new URL('index.js', dist));

/** The calls that change a file system, as libuv makes them. */
const CALLS = ['mkdir', 'rename', 'unlink', 'rmdir', 'link', 'fsync', 'fdatasync', 'write', 'pwrite64', 'ftruncate'];
/** Those that a full or read-only disk lets fail and that nothing but files uses. */
const FALLIBLE = ['mkdir', 'rename', 'link', 'fsync'];
const IN_PARALLEL = 3;

/** Large enough to be shared by hard link. */
const weights = (content) => Buffer.alloc(10_000, content);
const manifest = (version, day) =>
  JSON.stringify({
    name: 'm',
    version,
    module: '',
    creation_time: `2026-11-${day}T00:00:00.000000+00:00`,
    labels: {},
    api_version: 'v1',
  });

const work = temporary();
function folder(name, version, day, content) {
  const dir = join(work, name);
  mkdirSync(dir);
  writeFileSync(join(dir, 'model.yaml'), manifest(version, day));
  writeFileSync(join(dir, 'weights.bin'), weights(content));
  writeFileSync(join(dir, 'small.txt'), content);
  return dir;
}
const v1 = folder('v1', 'v1', '01', 'one');
const v2 = folder('v2', 'v2', '02', 'two');
const v2Other = folder('v2-other', 'v2', '03', 'one');
const v3 = folder('v3', 'v3', '04', 'one');
const old = folder('old', 'v0', '01', 'zero');

const empty = join(work, 'home-empty');
mkdirSync(empty);
const one = join(work, 'home-one');
await new ModelStore(one).import(v1);
const two = join(work, 'home-two');
cpSync(one, two, { recursive: true });
await new ModelStore(two).import(v2);
await new ModelStore(two).alias('m:v1', 'production');

/** What a change does, as a program of its own; `home` is its argument. */
const program = (body) => `
  import { ModelStore } from ${JSON.stringify(new URL('index.js', dist).href)};
  const store = new ModelStore(process.argv[2]);
  try { ${body} } catch (error) { console.log(error.code ?? error.stack); process.exitCode = 3; }
`;
const framework = `{
  specVersion: 1, module: 'bytes', signatures: {}, placement: 'embedded',
  async save(model, draft) { await draft.write('weights.bin', model); await draft.write('sub/more.bin', model); return { options: {}, versions: {} }; },
  async load() {}, runnable() {},
}`;
/** Name, home before, change, and whether to try it on a full disk, too. */
const changes = [
  ['save of a first model', empty, `await store.save('m:v1', Buffer.alloc(10_000, 'one'), ${framework});`],
  ['save of a new version', two, `await store.save('m:v9', Buffer.alloc(10_000, 'one'), ${framework});`, true],
  ['import of a new version with known files', two, `await store.import(${JSON.stringify(v3)});`],
  ['import of an old version', two, `await store.import(${JSON.stringify(old)});`],
  ['import that replaces', two, `await store.import(${JSON.stringify(v2Other)}, { force: true });`, true],
  ['import of what is there', two, `await store.import(${JSON.stringify(v2)});`],
  ['delete of the latest', two, `await store.delete('m:v2');`, true],
  ['delete of another', two, `await store.delete('m:v1');`],
  ['delete of the last', one, `await store.delete('m:v1');`],
  ['move of an alias', two, `await store.alias('m:v2', 'production');`, true],
];

/** All that can be observed of a store through its own interface. */
async function observe(home) {
  const store = new ModelStore(home);
  const models = await store.list();
  const files = {};
  for (const { tag, path } of models) {
    for (const name of readdirSync(path, { recursive: true })) {
      const file = join(path, name);
      // Saved models have their time and Node's version in the manifest; that it can be read is known by now.
      if (statSync(file).isFile() && name !== 'model.yaml') files[`${tag} ${name}`] = sha256(readFileSync(file));
    }
  }
  const aliases = await store.aliases('m');
  return JSON.stringify({
    tags: models.map(({ tag }) => tag),
    files,
    latest: models.length === 0 ? null : await store.resolve('m'),
    production: aliases.production?.map(({ version }) => version),
    verified: (await store.verify()).map(({ tag, state }) => `${tag} ${state}`),
  });
}

/** What lies on the disk, before anybody tidies up. */
function rawState(home) {
  const names = readdirSync(home, { recursive: true }).map(String);
  return sha256(
    names
      .map((name) => name.replaceAll(/[0-9a-f]{12}-\d+-\d+-[0-9a-f]{12}/g, 'OWNER'))
      .toSorted()
      .join('\n'),
  );
}

function sha256(data) {
  return createHash('sha256').update(data).digest('hex');
}

/** No version that can be seen may be incomplete, whoever looks and however early. */
function assertNoHalfModel(home) {
  const name = join(home, 'models', 'm');
  for (const version of existsSync(name) ? readdirSync(name) : []) {
    if (version === 'latest') assert.match(readFileSync(join(name, version), 'utf8'), /^v\d$/);
    else assert.ok(readdirSync(join(name, version)).length >= 3, `half a model: ${version}`);
  }
}

function assertNoDrafts(home) {
  const drafts = join(home, 'ekiben', 'models', 'drafts');
  if (existsSync(drafts)) assert.deepEqual(readdirSync(drafts), []);
}

function assertUnlocked(home) {
  const locks = join(home, 'ekiben', 'models', 'locks');
  assert.deepEqual(existsSync(locks) ? readdirSync(locks) : [], []);
}

let copies = 0;
function copyOf(home) {
  const copy = join(work, `copy-${copies++}`);
  cpSync(home, copy, { recursive: true });
  return copy;
}

const env = { ...process.env, UV_THREADPOOL_SIZE: '1', NODE_OPTIONS: '' };
function traced(script, home, ...options) {
  // Not with --seccomp-bpf: then `when` counts wrongly (strace 6.1).
  return start('strace', ['-f', '-o', `${home}.trace`, ...options, process.execPath, script, home], { env });
}

async function forEachInParallel(items, body) {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: IN_PARALLEL }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await body(item);
    }),
  );
}

/**
 * Where the program can be killed: each call of the thread that makes it most often, by its number there. Of writes only those into
 * the store; the runtime's own, to wake its threads, are many.
 */
function killPoints(trace, home) {
  const byThread = new Map();
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    const [, thread, call] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    if (call === undefined) continue;
    const key = `${call} ${thread}`;
    byThread.set(key, [...(byThread.get(key) ?? []), line]);
  }
  return CALLS.flatMap((call) => {
    const threads = [...byThread].filter(([key]) => key.startsWith(`${call} `)).map(([, lines]) => lines);
    const busiest = threads.toSorted((a, b) => b.length - a.length)[0] ?? [];
    const points = busiest.map((line, index) => ({ call, nth: index + 1, line }));
    return call === 'write' ? points.filter(({ line }) => line.includes(`<${home}`)) : points;
  });
}

const states = new Set();
let kills = 0;
if (isInstalled('strace')) {
  for (const [name, base, body, withFullDisk] of changes) {
    const script = join(work, `${name.replaceAll(' ', '-')}.mjs`);
    writeFileSync(script, program(body));
    const before = await observe(copyOf(base));
    const done = copyOf(base);
    const whole = await traced(script, done, '-y', '-e', `trace=${CALLS.join(',')}`);
    const after = await observe(done);
    await check(`${name}: without a fault it does its work`, () => {
      assert.equal(whole.status, 0, whole.stdout + whole.stderr);
      if (!name.includes('what is there')) assert.notEqual(after, before);
    });
    const points = killPoints(`${done}.trace`, done);

    await check(`${name}: killed at any of ${points.length} calls it is done or not begun`, () =>
      forEachInParallel(points, async ({ call, nth }) => {
        const home = copyOf(base);
        const { signal, status } = await traced(
          script,
          home,
          '-e',
          `trace=${call}`,
          '-e',
          `inject=${call}:signal=KILL:when=${nth}`,
        );
        // A call of the runtime's own may come once less in another run.
        if (signal === 'SIGKILL' || status === 137) kills++;
        else assert.equal(status, 0);
        const where = `${call} ${nth}`;
        states.add(rawState(home));
        assertNoHalfModel(home);
        const found = await observe(home);
        assert.ok(found === before || found === after, `neither before nor after at ${where}: ${found}`);
        assertNoDrafts(home);
        // The next change works, whatever was left.
        const store = new ModelStore(home);
        await store.create('m:next', (draft) => draft.write('x', weights('one')));
        assert.equal(await store.resolve('m'), 'm:next', where);
        assertUnlocked(home);
        rmSync(home, { recursive: true });
      }),
    );

    if (!withFullDisk) continue;
    const failing = points.filter(({ call }) => FALLIBLE.includes(call));
    await check(`${name}: with a full disk at any of ${failing.length} calls it says so and changes nothing`, () =>
      forEachInParallel(failing, async ({ call, nth }) => {
        const home = copyOf(base);
        const { status, stdout } = await traced(
          script,
          home,
          '-e',
          `trace=${call}`,
          '-e',
          `inject=${call}:error=ENOSPC:when=${nth}`,
        );
        const where = `${call} ${nth}: ${status} ${stdout}`;
        const found = await observe(home);
        // The index and the tidying up may be done without.
        if (status === 0) assert.equal(found, after, where);
        else {
          assert.equal(stdout, 'EKIBEN_STORE_DISK_FULL\n', where);
          assert.ok(found === before || found === after, where);
        }
        assertNoDrafts(home);
        assertUnlocked(home);
        rmSync(home, { recursive: true });
      }),
    );
  }

  await check('a read-only disk is an error that says so', async () => {
    const home = copyOf(two);
    const script = join(work, 'save-of-a-new-version.mjs');
    const { stdout } = await traced(script, home, '-e', 'trace=mkdir', '-e', 'inject=mkdir:error=EROFS:when=1');
    assert.equal(stdout, 'EKIBEN_STORE_NOT_WRITABLE\n');
  });

  await check(`${kills} kills met many distinct states of the disk`, () => {
    console.log(`  ${states.size} distinct states`);
    assert.ok(states.size >= 40, `only ${states.size}`);
    assert.ok(kills >= 300, `only ${kills} kills`);
  });
} else {
  skip('kills at every file-system call', 'strace is not installed');
}

if (process.getuid?.() === 0 && isInstalled('mount')) {
  const disk = join(work, 'small-disk');
  mkdirSync(disk);
  run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
  try {
    await check('a disk that fills up while a model is written is an error that says so', async () => {
      const store = new ModelStore(join(disk, 'home'));
      await store.create('m:v1', (draft) => draft.write('weights.bin', weights('one')));
      const before = await observe(join(disk, 'home'));
      await assert.rejects(
        store.create('m:v2', (draft) => draft.write('weights.bin', Buffer.alloc(2_000_000))),
        { code: 'EKIBEN_STORE_DISK_FULL' },
      );
      assert.equal(await observe(join(disk, 'home')), before);
      assertNoDrafts(join(disk, 'home'));
      await store.create('m:v3', (draft) => draft.write('weights.bin', weights('two')));
    });
  } finally {
    run('umount', [disk]);
  }
} else {
  skip('a disk that fills up', 'only root can mount a small one');
}

await check('8 processes that save, delete and list the same name lose nothing and see no half model', async () => {
  const home = join(work, 'home-crowd');
  const script = join(work, 'crowd.mjs');
  writeFileSync(
    script,
    `
    import { createHash } from 'node:crypto';
    import { ModelStore } from ${JSON.stringify(new URL('index.js', dist).href)};
    const store = new ModelStore(process.argv[2]);
    const id = process.argv[3];
    const sha256 = (data) => createHash('sha256').update(data).digest('hex');
    const gone = ['EKIBEN_MODEL_NOT_FOUND', 'EKIBEN_MODEL_FILE_NOT_FOUND'];
    const files = {
      specVersion: 1, module: 'bytes', signatures: {}, placement: 'embedded', runnable() {},
      async save(model, draft) { for (const [name, bytes] of Object.entries(model)) await draft.write(name, bytes); return { options: { sha256: sha256(model['a.bin']) }, versions: {} }; },
      async load(dir) { return { a: await dir.read('a.bin'), b: await dir.read('b.bin') }; },
    };
    const mine = [], deleted = [];
    let looks = 0;
    for (let round = 0; round < 25; round++) {
      // Every other file is shared with other processes.
      const a = Buffer.alloc(20_000, round % 2 === 0 ? 'shared ' + round : id + round);
      mine.push((await store.save('crowd', { 'a.bin': a, 'b.bin': Buffer.from(id) }, files)).tag);
      if (round % 3 === 2) { const tag = mine.splice(Math.floor(Math.random() * mine.length), 1)[0]; await store.delete(tag); deleted.push(tag); }
      const listed = await store.list('crowd');
      for (const tag of ['crowd', listed[Math.floor(Math.random() * listed.length)].tag]) {
        try {
          const model = await store.get(tag, files);
          const { a } = await model.load();
          if (sha256(a) !== model.manifest.options.sha256) throw new Error('half a model: ' + model.tag);
          looks++;
        } catch (error) { if (!gone.includes(error.code)) throw error; }
      }
    }
    console.log(JSON.stringify({ mine, deleted, looks }));
    `,
  );
  const results = await Promise.all(
    Array.from({ length: 8 }, (_, each) => start(process.execPath, [script, home, `p${each}`])),
  );
  for (const { status, stderr } of results) assert.equal(status, 0, stderr);
  const reports = results.map(({ stdout }) => JSON.parse(stdout));
  const expected = reports
    .flatMap(({ mine }) => mine.map(String))
    .map(String)
    .toSorted();
  assert.equal(
    new Set([...expected, ...reports.flatMap(({ deleted }) => deleted)]).size,
    200,
    'two processes made the same version',
  );
  const store = new ModelStore(home);
  const listed = await store.list();
  assert.deepEqual(listed.map(({ tag }) => tag).toSorted(), expected);
  assert.equal(await store.resolve('crowd'), listed[0].tag);
  assert.equal(`crowd:${readFileSync(join(home, 'models', 'crowd', 'latest'), 'utf8')}`, listed[0].tag);
  assert.ok((await store.verify()).every(({ state }) => state === 'intact'));
  assertNoDrafts(home);
  assertUnlocked(home);
  console.log(`  ${reports.reduce((sum, { looks }) => sum + looks, 0)} models were looked at meanwhile`);
});

finish();
