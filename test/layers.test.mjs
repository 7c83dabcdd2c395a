// The layers hold, and the rules that say so catch each kind of import that breaks them.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { layerRules } from '../scripts/layer-rules.mjs';
import { root, workspacePackages } from '../scripts/workspace.mjs';

const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

test('every package imports only from lower layers, by name, without cycles', () => {
  const run = spawnSync(process.execPath, [cruiser, 'packages', 'apps', 'benchmarks', 'scripts'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(run.stdout).toMatch(/no dependency violations found \(\d{2,} modules/);
});

test.each(workspacePackages().filter(({ path }) => path.startsWith('packages/')))(
  '$name says its layer',
  ({ manifest }) => {
    expect(manifest.ekiben?.layer).toEqual(expect.any(Number));
  },
);

/** A workspace with `high` above `low` and `peer`, in which everybody depends on everybody. */
let workspace;
const fake = (name, layer) => ({ name: `@fake/${name}`, path: `packages/${name}`, manifest: { ekiben: { layer } } });
const packages = [fake('low', 0), fake('peer', 0), fake('high', 1)];

beforeAll(() => {
  workspace = mkdtempSync(join(tmpdir(), 'ekiben-layers-'));
  for (const { name, path } of packages) {
    write(`${path}/dist/index.d.ts`, 'export interface A { a: 1 }\nexport const a = 1;\n');
    write(`${path}/src/inside.ts`, 'export const inside = 1;\n');
    const dependencies = Object.fromEntries(packages.map((each) => [each.name, '*']));
    write(`${path}/package.json`, JSON.stringify({ name, type: 'module', exports: './dist/index.d.ts', dependencies }));
    mkdirSync(join(workspace, path, 'node_modules/@fake'), { recursive: true });
    for (const other of packages)
      symlinkSync(join(workspace, other.path), join(workspace, path, 'node_modules', other.name));
  }
  write('.dependency-cruiser.json', JSON.stringify(layerRules(packages)));
});
afterAll(() => rmSync(workspace, { recursive: true }));

test.each([
  ['an import of a lower layer is fine', 'high', `import { a } from '@fake/low'; console.log(a);`, []],
  [
    'an import of a higher layer is caught',
    'low',
    `import { a } from '@fake/high'; console.log(a);`,
    ['layer-of-@fake/low'],
  ],
  [
    'a type-only import of a higher layer is caught',
    'low',
    `import type { A } from '@fake/high'; export type B = A;`,
    ['layer-of-@fake/low'],
  ],
  ['a re-export of a higher layer is caught', 'low', `export * from '@fake/high';`, ['layer-of-@fake/low']],
  [
    'a dynamic import of a higher layer is caught',
    'low',
    `export const a = () => import('@fake/high');`,
    ['layer-of-@fake/low'],
  ],
  [
    'an import inside one layer is caught',
    'peer',
    `import { a } from '@fake/low'; console.log(a);`,
    ['layer-of-@fake/peer'],
  ],
  [
    'a deep import is caught',
    'high',
    `import { inside } from '@fake/low/src/inside.ts'; console.log(inside);`,
    ['resolvable'],
  ],
  [
    'a relative import across packages is caught',
    'high',
    `import { inside } from '../../low/src/inside.ts'; console.log(inside);`,
    ['inside-of-@fake/low'],
  ],
  ['a cycle is caught', 'low', `import { a } from './cycle.ts'; export const probe = a;`, ['no-cycle']],
])('%s', (_name, from, source, rules) => {
  const probe = `packages/${from}/src/probe.ts`;
  const cycle = `packages/${from}/src/cycle.ts`;
  write(probe, source);
  write(cycle, `import { probe } from './probe.ts'; export const a = () => probe;`);
  const output = execFileSync(process.execPath, [cruiser, '--output-type', 'json', probe], {
    cwd: workspace,
    encoding: 'utf8',
  });
  const found = JSON.parse(output).summary.violations.map(({ rule }) => rule.name);
  expect([...new Set(found)]).toEqual(rules);
});

function write(path, text) {
  mkdirSync(dirname(join(workspace, path)), { recursive: true });
  writeFileSync(join(workspace, path), text);
}
