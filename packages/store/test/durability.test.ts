// What must hold when processes die, collide or share: see checks/crash.mjs for deaths at every system call.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, rmdir, stat, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { layout } from '../src/layout.ts';
import { withLock } from '../src/lock.ts';
import { ModelStore } from '../src/index.ts';
import { newOwnerName, ownerState } from '../src/owner.ts';
import { bytes, filesIn, manifest, temporary, writeFiles } from './support.ts';

let home: string;
let store: ModelStore;
beforeEach(() => {
  home = temporary();
  store = new ModelStore(home);
});

const BIG = Buffer.alloc(20_000, 'weights');

/** The name that something of a process that is dead by now would have. */
async function deadOwner(): Promise<string> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  const [host, , start, random] = newOwnerName().split('-');
  return [host, child.pid, start, random].join('-');
}

describe('an owner', () => {
  test('is alive, dead or unknown', async () => {
    expect(ownerState(newOwnerName())).toBe('alive');
    expect(ownerState(await deadOwner())).toBe('dead');
    expect(ownerState('000000000000-1-1-000000000000')).toBe('unknown');
    expect(ownerState('something else')).toBe('unknown');
  });

  test('is dead when its process id belongs to another process now', () => {
    const [host, pid, start, random] = newOwnerName().split('-');
    const earlier = [host, pid, Number(start) - 1, random].join('-');
    expect(ownerState(earlier)).toBe(process.platform === 'linux' ? 'dead' : 'alive');
  });
});

describe('a lock', () => {
  test('lets one at a time', async () => {
    let inside = 0;
    const most: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, () =>
        withLock(join(home, 'locks', 'a'), home, async () => {
          most.push(++inside);
          await new Promise((resolve) => setTimeout(resolve, 1));
          inside--;
        }),
      ),
    );
    expect(most).toEqual(Array(20).fill(1));
    expect(await filesIn(home)).toEqual([]);
  });

  test('is released when the work fails', async () => {
    const path = join(home, 'lock');
    await expect(withLock(path, home, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withLock(path, home, async () => 'again')).toBe('again');
  });

  test('of a dead process is broken, by one of many', async () => {
    await writeFiles(join(home, 'lock'), { [await deadOwner()]: '' });
    const order: number[] = [];
    await Promise.all(
      [1, 2, 3].map((each) =>
        withLock(join(home, 'lock'), home, async () => {
          order.push(each);
        }),
      ),
    );
    expect(order).toHaveLength(3);
  });

  test('of another machine is broken when it is old', async () => {
    const stranger = '000000000000-1-1-000000000000';
    await writeFiles(join(home, 'lock'), { [stranger]: '' });
    const longAgo = new Date(Date.now() - 120_000);
    await utimes(join(home, 'lock', stranger), longAgo, longAgo);
    expect(await withLock(join(home, 'lock'), home, async () => 'mine')).toBe('mine');
  });

  test('of another machine that is young is waited for', async () => {
    const stranger = '000000000000-1-1-000000000000';
    await writeFiles(join(home, 'lock'), { [stranger]: '' });
    const waiting = withLock(join(home, 'lock'), home, async () => 'mine');
    const first = await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 100, 'waits'))]);
    expect(first).toBe('waits');
    await unlink(join(home, 'lock', stranger));
    expect(await waiting).toBe('mine');
  });
});

describe('after a crash', () => {
  const paths = () => layout(home, 'models');
  const put = (version: string, content: string) =>
    writeFiles(temporary(), { 'model.yaml': manifest({ version }), 'weights.bin': content }).then((dir) =>
      store.import(dir),
    );

  test('a draft that was being written is removed by the next command', async () => {
    const root = join(paths().drafts, await deadOwner());
    await writeFiles(root, { 'content/weights.bin': 'half', 'digests/plain/v1.json': '{"files":{}}' });
    await writeFiles(paths().name('plain'), { latest: 'v1' });
    expect(await store.list()).toEqual([]);
    expect(await readdir(paths().drafts)).toEqual([]);
    expect(await readdir(paths().items)).toEqual([]);
  });

  test('a draft of a living process, or one that may live elsewhere, stays', async () => {
    const owners = [newOwnerName(), '000000000000-1-1-000000000000'];
    for (const owner of owners) await writeFiles(join(paths().drafts, owner), { 'content/weights.bin': 'half' });
    await put('v1', 'one');
    expect((await readdir(paths().drafts)).toSorted()).toEqual(owners.toSorted());
  });

  test('a replacement that took the old version out, but did not bring the new one, is undone', async () => {
    const root = join(paths().drafts, await deadOwner());
    await writeFiles(root, {
      'content/model.yaml': 'new',
      'removed/plain/v1/weights.bin': 'one',
      'removed/plain/v1/model.yaml': manifest(),
    });
    expect((await store.get('plain:v1')).tag).toBe('plain:v1');
    expect(await readFile(join(paths().item('plain', 'v1'), 'weights.bin'), 'utf8')).toBe('one');
    expect(await readdir(paths().drafts)).toEqual([]);
  });

  test('a deletion that only lacked the tidying up is finished', async () => {
    await put('v1', 'one');
    await put('v2', 'two');
    const root = join(paths().drafts, await deadOwner());
    await writeFiles(root, { 'removed/plain/v9/weights.bin': 'nine' });
    await writeFile(paths().latest('plain'), 'v9');
    await writeFile(paths().digests('plain', 'v9'), '{"files":{}}');
    expect((await store.list()).map(({ tag }) => tag)).toHaveLength(2);
    expect(await readFile(paths().latest('plain'), 'utf8')).toMatch(/^v[12]$/);
    expect(await readdir(paths().drafts)).toEqual([]);
    expect(await readdir(join(paths().digests('plain', 'x'), '..'))).toEqual(['v1.json', 'v2.json']);
  });

  test('digests of a version that moved in are put in their place', async () => {
    const { path } = await put('v1', 'one');
    const digests = await readFile(paths().digests('plain', 'v1'), 'utf8');
    await unlink(paths().digests('plain', 'v1'));
    await writeFiles(join(paths().drafts, await deadOwner()), { 'digests/plain/v1.json': digests });
    expect(await store.verify('plain')).toMatchObject([{ state: 'intact' }]);
    expect(path).toBe(paths().item('plain', 'v1'));
  });
});

describe('digests', () => {
  beforeEach(() =>
    store.create('plain:v1', async (draft) => {
      await draft.write('a.bin', BIG);
      await draft.write('sub/b.bin', Buffer.from('b'));
    }),
  );
  const dir = () => join(home, 'models', 'plain', 'v1');

  test('find a flipped bit, a missing file and an added one', async () => {
    expect(await store.verify('plain')).toEqual([{ tag: 'plain:v1', state: 'intact', faults: [] }]);
    const changed = Buffer.from(BIG);
    changed[15_000] = (changed[15_000] ?? 0) ^ 1;
    await writeFile(join(dir(), 'a.bin'), changed);
    await unlink(join(dir(), 'sub', 'b.bin'));
    await writeFile(join(dir(), 'sub', 'c.bin'), '');
    expect(await store.verify()).toEqual([
      {
        tag: 'plain:v1',
        state: 'damaged',
        faults: [
          { path: 'a.bin', problem: 'changed' },
          { path: 'sub/b.bin', problem: 'missing' },
          { path: 'sub/c.bin', problem: 'added' },
        ],
      },
    ]);
  });

  test('tell a damaged manifest, and damaged digests', async () => {
    const text = await readFile(join(dir(), 'model.yaml'), 'utf8');
    await writeFile(join(dir(), 'model.yaml'), text.replace('plain', 'plaim'));
    expect(await store.verify('plain:v1')).toMatchObject([
      { state: 'damaged', faults: [{ path: 'model.yaml' }], problem: expect.stringContaining('plaim') },
    ]);
    await writeFile(join(dir(), 'model.yaml'), text);
    await writeFile(layout(home, 'models').digests('plain', 'v1'), '{');
    expect(await store.verify('plain:v1')).toMatchObject([
      { state: 'damaged', problem: expect.stringContaining('digests') },
    ]);
  });

  test('are missing for what Python saved, until they are recorded', async () => {
    await writeFiles(join(home, 'models', 'python', 'v1'), { 'model.yaml': manifest({ name: 'python' }) });
    expect(await store.verify('python')).toMatchObject([{ state: 'unrecorded' }]);
    expect(await store.verify('python', { record: true })).toMatchObject([{ state: 'unrecorded' }]);
    expect(await store.verify('python')).toMatchObject([{ state: 'intact' }]);
  });
});

describe('equal files', () => {
  const inode = async (tag: string) => (await stat(join((await store.get(tag)).path, 'weights.bin'))).ino;
  const objects = () => filesIn(join(home, 'ekiben', 'objects'));

  test('are stored once across versions and names, and deleting one leaves the others', async () => {
    const tags = [];
    for (const name of ['a', 'a', 'b']) tags.push((await store.save(name, BIG, bytes)).tag);
    expect(new Set(await Promise.all(tags.map(inode))).size).toBe(1);
    expect(await objects()).toHaveLength(1);
    for (const tag of tags.slice(0, 2)) await store.delete(tag);
    expect(Buffer.from(await (await store.get(tags[2] ?? '', bytes)).load()).equals(BIG)).toBe(true);
    expect(await store.verify()).toMatchObject([{ state: 'intact' }]);
    await store.delete(tags[2] ?? '');
    expect(await objects()).toEqual([]);
  });

  test('that were damaged on the disk are not shared any further', async () => {
    const first = await store.save('a', BIG, bytes);
    await writeFile(join(first.info.path, 'weights.bin'), Buffer.alloc(BIG.length, 'damaged'));
    const second = await store.save('a', BIG, bytes);
    expect(Buffer.from(await second.load()).equals(BIG)).toBe(true);
    expect(await store.verify(second.tag)).toMatchObject([{ state: 'intact' }]);
    expect(await store.verify(first.tag)).toMatchObject([{ state: 'damaged' }]);
  });

  test('whose versions Python deleted are freed by prune', async () => {
    await store.save('a:v1', BIG, bytes);
    await store.save('a:v2', Buffer.from('small'), bytes);
    for (const file of await filesIn(join(home, 'models', 'a', 'v1')))
      await unlink(join(home, 'models', 'a', 'v1', file));
    await rmdir(join(home, 'models', 'a', 'v1'));
    expect(await store.prune()).toEqual({ drafts: 0, digests: 1, bytes: BIG.length });
    expect(await objects()).toEqual([]);
    expect(await store.verify()).toMatchObject([{ tag: 'a:v2', state: 'intact' }]);
  });
});

test('a damaged version does not keep others out', async () => {
  const { path } = await store.create('plain:v1', (draft) => draft.write('x', Buffer.from('x')));
  await writeFile(join(path, 'model.yaml'), '');
  const { tag } = await store.create('plain', (draft) => draft.write('x', Buffer.from('x')));
  expect(await store.resolve('plain')).toBe(tag);
  expect((await store.list()).map((model) => model.tag)).toEqual([tag]);
  expect(await store.delete('plain:v1')).toBe('plain:v1');
  expect(await store.resolve('plain')).toBe(tag);
});

test('many at once on one name lose nothing', async () => {
  const saved = await Promise.all(
    Array.from({ length: 12 }, (_, each) => store.save('a', Buffer.from(String(each)), bytes)),
  );
  expect(new Set(saved.map(({ tag }) => tag)).size).toBe(12);
  await Promise.all(saved.slice(0, 6).map(({ tag }) => store.delete(tag)));
  const left = await store.list();
  expect(left.map(({ tag }) => tag).toSorted()).toEqual(
    saved
      .slice(6)
      .map(({ tag }) => tag)
      .toSorted(),
  );
  expect(await store.resolve('a')).toBe(left[0]?.tag);
});

test.each(['file/below', '/proc/nope'])('a home at %s is an error that says so', async (place) => {
  const home = resolve(await writeFiles(temporary(), { file: 'x' }), place);
  const saving = new ModelStore(home).create('m', (draft) => draft.write('a', Buffer.from('a')));
  await expect(saving).rejects.toMatchObject({
    code: 'EKIBEN_STORE_NOT_WRITABLE',
    message: expect.stringContaining(home),
  });
});

// Memory that Linux mounts everywhere; without it there is no second file system to be had.
const elsewhere = '/dev/shm';
const twoFileSystems = existsSync(elsewhere) && statSync(elsewhere).dev !== statSync(temporary()).dev;

(twoFileSystems ? test : test.skip)(
  'models on another file system than the home are read, and not written',
  async () => {
    const far = await mkdtemp(join(elsewhere, 'ekiben-'));
    try {
      await symlink(far, join(home, 'models'));
      await writeFiles(join(far, 'm', 'v1'), { 'model.yaml': manifest({ name: 'm', version: 'v1' }) });
      expect(await store.resolve('m')).toBe('m:v1');
      const expected = { code: 'EKIBEN_STORE_NOT_WRITABLE', message: expect.stringContaining('another file system') };
      await expect(store.save('m', Buffer.from('x'), bytes)).rejects.toMatchObject(expected);
      await expect(store.delete('m:v1')).rejects.toMatchObject(expected);
      expect((await store.list()).map(({ tag }) => tag)).toEqual(['m:v1']);
    } finally {
      await rm(far, { recursive: true });
    }
  },
);
