// The index must never be believed when the directories say otherwise.
import { beforeEach, expect, test } from '@jest/globals';
import { readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newestFirst } from '../src/kind.ts';
import { layout } from '../src/layout.ts';
import { readThroughIndex } from '../src/list-index.ts';
import { temporary, writeFiles } from './support.ts';

let home: string;
let paths: ReturnType<typeof layout>;
let read: string[];
beforeEach(() => {
  home = temporary();
  paths = layout(home, 'models');
});

const LONG_AGO = new Date(Date.now() - 60_000);

/** A version whose directories were last changed a minute ago. */
async function add(name: string, version: string, files: Readonly<Record<string, string>>): Promise<void> {
  await writeFiles(paths.item(name, version), files);
  for (const file of Object.keys(files)) await utimes(join(paths.item(name, version), file), LONG_AGO, LONG_AGO);
  for (const dir of [paths.item(name, version), paths.name(name)]) await utimes(dir, LONG_AGO, LONG_AGO);
}

/** Lists, and notes which manifests were read. */
async function list(only?: string): Promise<Record<string, number>> {
  read = [];
  const { entries, text } = await readThroughIndex<string>(paths, only, async (name, version) => {
    read.push(`${name}:${version}`);
    return readFile(join(paths.item(name, version), 'manifest'), 'utf8').catch(() => undefined);
  });
  if (text !== undefined) await writeFiles(home, { 'ekiben/models/index.json': text });
  return Object.fromEntries(entries.map(({ tag, size }) => [tag, size]));
}

test('a settled version is read once', async () => {
  await add('a', 'v1', { manifest: 'x', weights: '12345' });
  expect(await list()).toEqual({ 'a:v1': 6 });
  expect(read).toEqual(['a:v1']);
  expect(await list()).toEqual({ 'a:v1': 6 });
  expect(read).toEqual([]);
  expect(await list('a')).toEqual({ 'a:v1': 6 });
  expect(await list('b')).toEqual({});
  expect(read).toEqual([]);
});

test('what was added and removed beside it is seen, and nothing else read again', async () => {
  await add('a', 'v1', { manifest: 'x' });
  await add('b', 'v1', { manifest: 'x' });
  await list();
  await writeFiles(paths.item('a', 'v2'), { manifest: 'x' });
  expect(await list()).toEqual({ 'a:v1': 1, 'a:v2': 1, 'b:v1': 1 });
  expect(read).toEqual(['a:v2']);
  await rm(paths.item('a', 'v1'), { recursive: true });
  await rm(paths.name('b'), { recursive: true });
  expect(await list()).toEqual({ 'a:v2': 1 });
  await rename(paths.name('a'), paths.name('c'));
  expect(await list()).toEqual({ 'c:v2': 1 });
});

test('a version that is still growing is read again until it has settled', async () => {
  await add('a', 'v1', { weights: '1' });
  expect(await list()).toEqual({});
  await writeFile(join(paths.item('a', 'v1'), 'manifest'), 'x');
  expect(await list()).toEqual({ 'a:v1': 2 });
  await writeFile(join(paths.item('a', 'v1'), 'weights'), '123');
  expect(await list()).toEqual({ 'a:v1': 4 });
  await add('a', 'v1', {});
  expect(await list()).toEqual({ 'a:v1': 4 });
  expect(read).toEqual(['a:v1']);
});

test('a version that was replaced by another of the same tag is read again', async () => {
  await add('a', 'v1', { manifest: 'x' });
  await add('a', 'v2', { manifest: 'x' });
  await list();
  await rename(paths.item('a', 'v1'), join(home, 'gone'));
  await writeFiles(paths.item('a', 'v1'), { manifest: 'xyz' });
  expect(await list()).toEqual({ 'a:v1': 3, 'a:v2': 1 });
  expect(read).toEqual(['a:v1']);
});

test.each(['', '{', '[]', 'null', '{"format":1}', '{"format":1,"names":{"a":{}}}', '{"format":0,"names":{}}'])(
  'an index that is %j counts as empty',
  async (text) => {
    await add('a', 'v1', { manifest: 'x' });
    await writeFiles(home, { 'ekiben/models/index.json': text });
    expect(await list()).toEqual({ 'a:v1': 1 });
  },
);

test('items are ordered by their moment, however it is written', () => {
  const items = [
    ['a', '2026-11-23T23:06:52.925008+00:00'],
    ['b', '2026-11-23T23:06:52.925009+00:00'],
    ['c', '2026-11-24T00:06:52.926+01:00'],
    ['d', '2026-11-23T23:06:52+00:00'],
    ['e', '2026-11-23T23:06:52.925008+00:00'],
  ].map(([tag = '', creationTime = '']) => ({ tag, creationTime }));
  expect(newestFirst(items).map(({ tag }) => tag)).toEqual(['c', 'b', 'a', 'e', 'd']);
});
