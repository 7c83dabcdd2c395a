// What every published package must be: complete, correctly exported and typed, documented, and announced in a changelog.
import getReleasePlan from '@changesets/get-release-plan';
import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { root, workspacePackages } from '../scripts/workspace.mjs';

const published = workspacePackages().filter(({ manifest }) => !manifest.private);
const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
const plan = await getReleasePlan(root);

describe.each(published)('$name', ({ name, dir, path, manifest }) => {
  test('publint finds nothing', async () => {
    const { messages } = await publint({ pkgDir: dir, strict: true, pack: 'npm' });
    expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
  });

  test('are-the-types-wrong finds nothing', () => {
    const { status, stdout } = spawnSync(process.execPath, [attw, '--pack', dir, '--profile', 'esm-only'], {
      encoding: 'utf8',
    });
    // Status 0 also means that there was nothing to look at.
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('🟢 (ESM)') });
  });

  test('has scripts to build, test and check types, and tests', () => {
    expect(manifest.scripts).toMatchObject({
      build: expect.any(String),
      test: expect.any(String),
      typecheck: expect.any(String),
    });
    const tests = readdirSync(join(dir, 'test'), { recursive: true }).filter((file) => file.endsWith('.test.ts'));
    expect(tests).not.toEqual([]);
  });

  test('package.json says who may use it, where it comes from and what is in it', () => {
    expect(manifest).toMatchObject({
      license: 'Apache-2.0',
      type: 'module',
      sideEffects: expect.anything(),
      description: expect.any(String),
      repository: { directory: path },
      engines: { node: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node },
      files: expect.arrayContaining(['dist', 'README.md']),
      publishConfig: { access: 'public' },
    });
  });

  test('third-party dependencies are exact, ours follow the workspace', () => {
    const wrong = Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies }).filter(
      ([dependency, range]) =>
        !(published.some((each) => each.name === dependency) ? /^workspace:\^$/ : /^\d+\.\d+\.\d+$/).test(range),
    );
    expect(wrong).toEqual([]);
  });

  test('a changelog entry or a changeset announces it', () => {
    const changelog = join(dir, 'CHANGELOG.md');
    const released = existsSync(changelog) && readFileSync(changelog, 'utf8').includes(`## ${manifest.version}`);
    expect(released || plan.releases.some((release) => release.name === name && release.changesets.length > 0)).toBe(
      true,
    );
  });
});
