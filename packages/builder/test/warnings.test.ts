import { expect, test } from '@jest/globals';
import { hostPlatform } from '../src/native.ts';
import { warningsOf } from '../src/warnings.ts';
import { facts, manifest } from './facts.ts';

const here = { platform: hostPlatform() };
const withAdapter = (reads: Readonly<Record<string, string>>) => {
  const { bundle } = facts();
  const adapter = { dir: '/p/node_modules/adapter', manifest: manifest('adapter', { ekiben: { reads } }) };
  return facts({ ...here, bundle: { ...bundle, inside: [adapter] } });
};

test('nothing is said of a project that is in order', () => expect(warningsOf(facts(here))).toEqual([]));

test.each([
  [{ xgboost: '3.2' }, 0],
  [{ xgboost: '1.6' }, 0],
  [{ xgboost: '1.5' }, 2],
  [{ xgboost: '0.90' }, 2],
  [{ xgboost: 'native' }, 2],
])('a model that a newer library saved than %p is named', (reads, count) => {
  expect(warningsOf(withAdapter(reads))).toHaveLength(count);
});

test('the warning says which model, which versions, and what to do', () => {
  expect(warningsOf(withAdapter({ xgboost: '1.5' }))[0]).toBe(
    'risk:a was saved with xgboost 1.6.2, which is newer than 1.5, with which adapter was tested: compare what it answers with Python before you rely on it.',
  );
});

test('packages that are locked without an integrity are named', () => {
  const { lockfile } = facts();
  expect(warningsOf(facts({ ...here, lockfile: { ...lockfile, packages: new Map() } }))).toEqual([
    expect.stringContaining("has no integrity of npm's for native: env/node/install.sh takes these by version alone"),
  ]);
});

test('what is missing or useless is named', () => {
  const { bentofile, lockfile, service } = facts();
  const odd = facts({
    ...here,
    bentofile: { ...bentofile, notes: ['a note'], node: { ...bentofile.node, packages: ['left-pad'] } },
    lockfile: { ...lockfile, path: undefined },
    included: [],
    service: { ...service, apis: [] },
  });
  expect(warningsOf(odd)).toEqual([
    'a note',
    expect.stringContaining('No lock file'),
    'node.packages: left-pad is not imported by the service.',
    expect.stringContaining("No file fits 'include' (*)"),
    'Risk has no APIs.',
  ]);
});
