// fixtures.json says which test uses each fixture. Here: every fixture is in it and named by its test, and, of every kind, a copy with
// one byte changed (a threshold, an expected value) makes that test fail. So no test passes without looking at what the real tool wrote.
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { root, workspacePackages } from '../scripts/workspace.mjs';

jest.setTimeout(300_000); // a watchdog

/**
 * @typedef {object} Kind
 * @property {string} files  a pattern of git's, from the repository's root
 * @property {string} test  that uses them, from the folder of their package
 * @property {boolean} [enumerated]  the test takes all that the folder holds; otherwise the package's tests name each file
 * @property {string} [only]  of the tests in the file, those whose names have this: a slow file need not run whole
 * @property {Mutation} [mutation]
 * @property {string} [program]  what runs it, in place of a mutation
 */
/**
 * One changed byte, in the first file that `files` matches or in `file`: the first digit behind the text `after`, or, in a binary file,
 * the byte `skip` bytes behind it; from the end when `after` is left out.
 * @typedef {{ file?: string, after?: string, skip?: number }} Mutation
 */

/** @type {Kind[]} */
const kinds = JSON.parse(readFileSync(join(root, 'fixtures.json'), 'utf8'));
const packages = workspacePackages();
const tracked = (...patterns) =>
  execFileSync('git', ['ls-files', '--', ...patterns], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);
const packageOf = (file) => packages.find(({ path }) => file.startsWith(`${path}/`));

test('every fixture has a test', () => {
  const known = new Set(tracked(...kinds.map(({ files }) => files)));
  expect(tracked('**/test/fixtures/**').filter((file) => !known.has(file))).toEqual([]);
});

describe.each(kinds)('$files', (kind) => {
  const files = tracked(kind.files);
  const each = packageOf(kind.files);

  test('is there, and its test as well', () => {
    expect(files).not.toEqual([]);
    expect(tracked(`${each.path}/${kind.test}`)).toHaveLength(1);
  });

  if (!kind.enumerated && !kind.program) {
    test('is named by the tests', () => {
      const sources = readdirSync(join(each.dir, 'test')).filter((file) => /\.(ts|mjs)$/.test(file));
      const text = sources.map((file) => readFileSync(join(each.dir, 'test', file), 'utf8')).join('\n');
      const stem = (file) => basename(file).replace(/\..*/, '');
      expect(files.filter((file) => !new RegExp(`\\b${stem(file)}\\b`).test(text))).toEqual([]);
    });
  }

  if (kind.program === undefined) {
    test('fails its test when one byte of it changes', () => {
      const file = kind.mutation.file ?? files[0];
      expect(runCopy(each, kind)).toBe('passes');
      expect(runCopy(each, kind, file.slice(each.path.length + 1), kind.mutation)).toBe('fails');
    });
  }
});

const work = mkdtempSync(join(tmpdir(), 'ekiben-mutations-'));
afterAll(() => rmSync(work, { recursive: true }));
const unchanged = new Map();

/** Runs one test file in a copy of its package, with a mutation or without. */
function runCopy(each, { test: testFile, only = '' }, mutated, mutation) {
  const known = `${each.name} ${testFile} ${only}`;
  if (!mutated && unchanged.has(known)) return unchanged.get(known);

  const copy = mkdtempSync(join(work, 'copy-'));
  const folder = join(copy, each.path);
  mkdirSync(dirname(folder), { recursive: true });
  for (const shared of ['node_modules', 'scripts', 'jest.config.mjs', 'package.json'])
    symlinkSync(join(root, shared), join(copy, shared));
  cpSync(each.dir, folder, { recursive: true, filter: (path) => !path.startsWith(join(each.dir, 'node_modules')) });
  if (existsSync(join(each.dir, 'node_modules')))
    symlinkSync(join(each.dir, 'node_modules'), join(folder, 'node_modules'));
  if (mutated) mutate(join(folder, mutated), mutation);

  const script = join(root, 'node_modules/jest/bin/jest.js');
  const options = [
    '--config',
    join(copy, 'jest.config.mjs'),
    '--rootDir',
    folder,
    '--reporters',
    'default',
    '--ci',
    '--testNamePattern',
    only,
    testFile,
  ];
  const { status } = spawnSync(process.execPath, ['--experimental-vm-modules', '--no-warnings', script, ...options], {
    cwd: folder,
  });
  const result = status === 0 ? 'passes' : 'fails';
  if (!mutated) unchanged.set(known, result);
  return result;
}

/** @param {string} file @param {Mutation} mutation */
function mutate(file, { after, skip }) {
  const bytes = readFileSync(file);
  const end = after === undefined ? -1 : bytes.indexOf(after) + after.length;
  if (after !== undefined && end < after.length) throw new Error(`${file} has no ${after}`);
  const digit = () => bytes.findIndex((byte, index) => index >= end && byte >= 0x30 && byte <= 0x39);
  const at = after === undefined ? bytes.length - (skip ?? 1) : skip === undefined ? digit() : end + skip;
  bytes[at] ^= 1; // also makes another digit of a digit
  writeFileSync(file, bytes);
}
