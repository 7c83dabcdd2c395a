// What holds for the whole repository: nothing of a machine or a registry in it, no install scripts, the Node floor, error codes.
import { expect, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import semver from 'semver';
import { root, workspacePackages } from '../scripts/workspace.mjs';

const packages = workspacePackages();
const read = (path) => readFileSync(join(root, path), 'utf8');

/** The tracked lines that match; fixtures are what real tools wrote, paths of their machines included. */
function tracked(pattern, ...paths) {
  const args = ['grep', '-nIE', '-e', pattern, '--', ...paths, ':!**/fixtures/**'];
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  if (status > 1) throw new Error(stderr);
  return stdout.split('\n').filter(Boolean);
}

test('no tracked file names a registry host', () => {
  const hosts = [
    'registry[.]npmjs',
    'npmmirror',
    'pypi[.]org',
    'pythonhosted',
    'crates[.]io',
    'proxy[.]golang',
    'repo1?[.]maven',
    'deb[.]debian',
  ];
  expect(tracked(`(${hosts.join('|')})[.]`, '.')).toEqual([]);
  expect(tracked('https?://', 'pnpm-lock.yaml')).toEqual([]);
});

test('no tracked file holds a path of a machine', () => {
  expect(tracked('(^|[^[:alnum:]_.~-])/(work|root|tmp|Users)/', '.')).toEqual([]);
});

test('git grep finds what the two tests above look for', () => {
  expect(tracked('no tracked file names a registry host', 'test')).toHaveLength(2);
});

test.each(packages)('$name has no script that runs when it is installed', ({ manifest }) => {
  const scripts = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];
  expect(Object.keys(manifest.scripts ?? {}).filter((name) => scripts.includes(name))).toEqual([]);
});

test('every production dependency that is installed runs on the oldest Node we promise', () => {
  const floor = semver.minVersion(JSON.parse(read('package.json')).engines.node);
  const args = ['ls', '-r', '--prod', '--depth', 'Infinity', '--json', '--filter', './packages/**'];
  const { packageManager } = JSON.parse(read('package.json'));
  const listed = execFileSync('npx', ['-y', packageManager, ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const seen = new Map();
  const visit = ({ dependencies = {}, optionalDependencies = {} }) => {
    for (const each of Object.values({ ...dependencies, ...optionalDependencies })) {
      if (seen.has(each.path)) continue;
      seen.set(each.path, undefined);
      const manifest = join(each.path, 'package.json');
      // Binaries of other platforms are listed but not installed.
      if (existsSync(manifest)) seen.set(each.path, JSON.parse(readFileSync(manifest, 'utf8')));
      visit(each);
    }
  };
  for (const each of JSON.parse(listed)) visit(each);
  const installed = [...seen.values()].filter((manifest) => manifest !== undefined);
  expect(installed.length).toBeGreaterThan(20);
  const excluding = installed.filter(({ engines }) => engines?.node && !semver.satisfies(floor, engines.node));
  expect(excluding.map(({ name, version, engines }) => `${name}@${version} wants ${engines.node}`)).toEqual([]);
});

/** Environment variables; they look like codes and are none. */
const NOT_ERROR_CODES = ['EKIBEN_HOME', 'EKIBEN_PINNED_TAGS', 'EKIBEN_SERVED_MODEL'];

const codesIn = (text, pattern) => [...text.matchAll(pattern)].map(([, code]) => code);
const sourceCodes = new Map(
  packages
    .filter(({ path }) => path.startsWith('packages/'))
    .map(({ path, dir }) => {
      const files = readdirSync(join(dir, 'src'), { recursive: true }).filter((file) => file.endsWith('.ts'));
      const codes = files.flatMap((file) =>
        codesIn(readFileSync(join(dir, 'src', file), 'utf8'), /'(EKIBEN_[A-Z0-9_]+)'/g),
      );
      return [basename(path), new Set(codes.filter((code) => !NOT_ERROR_CODES.includes(code)))];
    }),
);
const pages = readdirSync(join(root, 'docs/errors')).filter((page) => page !== 'README.md');
const documented = new Map(
  pages.map((page) => [
    basename(page, '.md'),
    new Set(codesIn(read(`docs/errors/${page}`), /^\| *`(EKIBEN_[A-Z0-9_]+)` *\|/gm)),
  ]),
);

test.each([...sourceCodes])('every error code in the source of %s is documented', (_name, codes) => {
  const all = new Set([...documented.values()].flatMap((page) => [...page]));
  expect([...codes].filter((code) => !all.has(code))).toEqual([]);
});

test.each([...documented])(
  'docs/errors/%s.md lists only codes that its package has, and says when and what to do',
  (name, codes) => {
    expect(sourceCodes.has(name)).toBe(true);
    expect([...codes].filter((code) => !sourceCodes.get(name).has(code))).toEqual([]);
    const rows = read(`docs/errors/${name}.md`)
      .split('\n')
      .filter((line) => line.startsWith('| `EKIBEN_'));
    expect(
      rows.filter((row) =>
        row
          .split('|')
          .slice(1, 4)
          .some((cell) => cell.trim() === ''),
      ),
    ).toEqual([]);
  },
);

test('the page of errors leads to each package’s page', () => {
  expect(pages.filter((page) => !read('docs/errors/README.md').includes(`(${page})`))).toEqual([]);
});

test('every guard here is a required check', () => {
  const { checks } = JSON.parse(read('.ci/checks.json'));
  const guards = readdirSync(join(root, 'test')).filter((file) => file.endsWith('.test.mjs'));
  const missing = guards.filter(
    (file) => !checks.some(({ command }) => command.endsWith(` test/${basename(file, '.test.mjs')}`)),
  );
  expect(missing).toEqual([]);
});
