// What is published works: packed, installed by npm into an empty project, and imported, on the oldest and on the newest Node.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, workspacePackages } from '../scripts/workspace.mjs';

jest.setTimeout(600_000); // a watchdog: npm may have to fetch everything

const NEWEST_NODE = '26';
/** Entries that run in a program of others or in a child process: they are found, and imported only there. */
const PROGRAMS = [
  '@ekiben/adapter-testkit/jest',
  '@ekiben/adapter-testkit/jest-environment',
  '@ekiben/adapter-testkit/vitest',
  '@ekiben/runners/worker',
  '@ekiben/server/api-worker',
];
/** Entries that need optional peers, which nobody else has to install. */
const PEERS = {
  '@ekiben/io-descriptors/image': ['sharp'],
  '@ekiben/io-descriptors/parquet': ['hyparquet', 'hyparquet-compressors', 'hyparquet-writer'],
  '@ekiben/store/s3': ['@aws-sdk/client-s3', '@aws-sdk/lib-storage'],
};

const published = workspacePackages().filter(({ manifest }) => !manifest.private);
const specifiers = ({ name, manifest }) => Object.keys(manifest.exports).map((entry) => name + entry.slice(1));
const bins = published.flatMap(({ name, manifest }) =>
  Object.keys(manifest.bin ?? {}).map((bin) => ({ name, bin, manifest })),
);

const work = mkdtempSync(join(tmpdir(), 'ekiben-pack-'));
afterAll(() => rmSync(work, { recursive: true }));

/** The tarball of each package, as the `file:` specifier that npm takes. */
const tarballs = {};
/** Node binaries: the one that runs this, which CI starts with the oldest we promise, and the newest. */
const nodes = { 'this Node': process.execPath };

beforeAll(() => {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const { name, dir } of published) {
    const packed = run('npx', ['-y', packageManager, 'pack', '--json', '--pack-destination', work], dir);
    tarballs[name] = `file:${JSON.parse(packed).filename}`;
  }
  nodes['the newest Node'] = run(
    'npx',
    ['-y', '-p', `node@${NEWEST_NODE}`, 'node', '-p', 'process.execPath'],
    work,
  ).trim();
});

describe('all packages in one project', () => {
  let project;
  beforeAll(() => {
    const versions = Object.assign({}, ...published.map(({ manifest }) => manifest.devDependencies));
    const peers = Object.values(PEERS).flat();
    project = install(
      'all',
      published.map(({ name }) => name),
      Object.fromEntries(peers.map((peer) => [peer, versions[peer]])),
    );
  });

  test.each(published)(
    '$name is complete: README, licence, built code and its sources, nothing of the tests',
    ({ name }) => {
      const folder = join(project, 'node_modules', name);
      expect(
        ['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts'].filter(
          (file) => !existsSync(join(folder, file)),
        ),
      ).toEqual([]);
      expect(readdirSync(folder)).not.toContain('test');
      expect(readFileSync(join(folder, 'package.json'), 'utf8')).not.toContain('workspace:');
    },
  );

  test('there is one copy of each of ours', () => {
    run('npm', ['ls', '--all'], project); // fails when a version is missing or does not fit
    expect(published.filter(({ name }) => existsSync(join(project, 'node_modules/ekiben/node_modules', name)))).toEqual(
      [],
    );
  });

  describe.each(['this Node', 'the newest Node'])('on %s', (node) => {
    test.each(published.flatMap(specifiers))('%s is imported', (specifier) =>
      expectImport(nodes[node], project, specifier),
    );

    test.each(bins)('$bin --version says the version', ({ name, bin, manifest }) => {
      const file = join(project, 'node_modules', name, manifest.bin[bin]);
      expect(run(nodes[node], [file, '--version'], project).trim()).toContain(manifest.version);
      expect(run(nodes[node], [file, '--help'], project)).toContain(bin);
    });
  });

  test.each(bins)('npx $bin is there', ({ bin, manifest }) => {
    expect(run('npx', ['--no-install', bin, '--version'], project).trim()).toContain(manifest.version);
  });
});

test.each(published)('$name stands alone in an empty project', (each) => {
  const project = install(each.name.replace('/', '-'), [each.name]);
  for (const specifier of specifiers(each)) {
    if (!(specifier in PEERS)) expectImport(process.execPath, project, specifier);
    else expect(PEERS[specifier].filter((peer) => existsSync(join(project, 'node_modules', peer)))).toEqual([]);
  }
});

/** An empty project with these packages and peers, all of ours from their tarballs. */
function install(folder, names, peers = {}) {
  const project = join(work, folder);
  mkdirSync(project);
  const dependencies = { ...Object.fromEntries(names.map((name) => [name, tarballs[name]])), ...peers };
  const overrides = Object.fromEntries(Object.entries(tarballs).filter(([name]) => !names.includes(name)));
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies, overrides }),
  );
  run(
    'npm',
    ['install', '--no-audit', '--no-fund', '--prefer-offline', '--engine-strict', '--loglevel=error'],
    project,
  );
  return project;
}

function expectImport(node, project, specifier) {
  const json = specifier.endsWith('.json') ? `, { with: { type: 'json' } }` : '';
  const load = PROGRAMS.includes(specifier)
    ? `await readFile(new URL(import.meta.resolve('${specifier}')))`
    : `await import('${specifier}'${json})`;
  const source = `import { readFile } from 'node:fs/promises'; console.log(Object.keys(${load}).length);`;
  const names = run(node, ['--no-warnings', '--input-type=module', '--eval', source], project);
  expect(Number(names)).toBeGreaterThan(0);
}

function run(command, args, cwd) {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 });
}
