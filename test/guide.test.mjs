// contributing/add-an-adapter.md and add-a-descriptor.md are true: what they make is built and tested from their text.
import { afterAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { root, workspacePackages } from '../scripts/workspace.mjs';

/** The files that a guide shows, as a project of their own. */
class Guide {
  #files;
  #project;

  constructor(name) {
    const guide = readFileSync(join(root, 'contributing', name), 'utf8');
    this.#files = new Map(
      [...guide.matchAll(/^```\w+ title="([^"]+)"\n(.*?)^```/gms)].map(([, file, text]) => [file, text]),
    );
    this.#project = mkdtempSync(join(tmpdir(), 'ekiben-guide-'));
    afterAll(() => rmSync(this.#project, { recursive: true }));
    for (const { name: sibling, dir } of workspacePackages()) this.#link(dir, sibling);
    this.#link(join(root, 'node_modules/@types/node'), '@types/node');
  }

  get names() {
    return [...this.#files.keys()];
  }

  linesOf(file) {
    return this.#files.get(file).split('\n').length;
  }

  /** Runs `npm test`, with one text of its source replaced by another. */
  test([from, to] = ['', '']) {
    for (const [file, text] of this.#files) this.#write(file, file === 'src/index.ts' ? text.replace(from, to) : text);
    const PATH = `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}`;
    const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync('npm', ['test'], {
      cwd: this.#project,
      encoding: 'utf8',
      env: { ...env, PATH },
    });
    return { status, output: stdout + stderr };
  }

  #write(file, text) {
    mkdirSync(dirname(join(this.#project, file)), { recursive: true });
    writeFileSync(join(this.#project, file), text);
  }

  #link(target, name) {
    mkdirSync(dirname(join(this.#project, 'node_modules', name)), { recursive: true });
    symlinkSync(target, join(this.#project, 'node_modules', name));
  }
}

describe('the guide to adapters', () => {
  const guide = new Guide('add-an-adapter.md');

  test('has an adapter of under 100 lines', () => {
    expect(guide.names).toEqual(['package.json', 'tsconfig.json', 'src/index.ts', 'test/linear.test.ts']);
    expect(guide.linesOf('src/index.ts')).toBeLessThan(100);
  });

  test('compiles, and passes all cases of the testkit', () => {
    expect(guide.test()).toEqual({ status: 0, output: expect.stringMatching(/^# pass 14$|^ℹ pass 14$/m) });
  }, 120_000);

  test('does not pass when the adapter is wrong', () => {
    expect(guide.test(['sum + weight', 'sum - weight'])).toEqual({
      status: 1,
      output: expect.stringContaining('a saved model answers as the original'),
    });
  }, 120_000);
});

describe('the guide to descriptors', () => {
  const guide = new Guide('add-a-descriptor.md');

  test('has a descriptor of 30 lines at most', () => {
    expect(guide.names).toEqual(['package.json', 'tsconfig.json', 'src/index.ts', 'test/audio.test.ts']);
    expect(guide.linesOf('src/index.ts')).toBeLessThanOrEqual(30);
  });

  test('compiles, and passes its tests', () => {
    expect(guide.test()).toEqual({ status: 0, output: expect.stringMatching(/^# pass 3$|^ℹ pass 3$/m) });
  }, 120_000);

  test('does not pass when the descriptor is wrong', () => {
    expect(guide.test(['getInt16(2 * i)', 'getInt16(2 * i, true)'])).toEqual({
      status: 1,
      output: expect.stringContaining('samples come and go'),
    });
  }, 120_000);
});
