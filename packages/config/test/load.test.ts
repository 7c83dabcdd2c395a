import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { loadConfiguration } from '../src/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'ekiben-config-'));
afterAll(() => rmSync(directory, { recursive: true }));
const write = (name: string, workers: number) =>
  writeFileSync(join(directory, name), `api_server: { workers: ${workers} }`);

test('without a file there is none', () => {
  const { configuration, file } = loadConfiguration({ directory, env: {} });
  expect([configuration.server(), file]).toEqual([{}, null]);
});

test('takes the named file, that of the environment, or that of the directory', () => {
  for (const [at, name] of ['bentoconfiguration.yaml', 'b.yaml', 'e.yaml', 'flag.yaml'].entries()) write(name, at + 1);
  const env = { BENTOML_CONFIG: 'b.yaml' };
  const ours = { ...env, EKIBEN_CONFIG: join(directory, 'e.yaml') };
  const workers = (...[options]: Parameters<typeof loadConfiguration>) =>
    loadConfiguration({ directory, ...options }).configuration.server().workers;
  expect(workers({ env: {} })).toBe(1);
  expect(workers({ env })).toBe(2);
  expect(workers({ env: ours })).toBe(3);
  expect(workers({ env: ours, file: 'flag.yaml' })).toBe(4);
  expect(loadConfiguration({ directory, env }).file).toBe('b.yaml');
});

test('a named file that is not there is an error', () => {
  expect(() => loadConfiguration({ directory, env: { EKIBEN_CONFIG: 'gone.yaml' } })).toThrow(
    expect.objectContaining({ code: 'EKIBEN_CONFIG_NOT_FOUND', message: expect.stringContaining('gone.yaml') }),
  );
});

test('faults are named by the name that was given', () => {
  writeFileSync(join(directory, 'wrong.yaml'), 'a: 1');
  expect(() => loadConfiguration({ directory, env: {}, file: 'wrong.yaml' })).toThrow(
    'wrong.yaml:1:1: there is no key a',
  );
});
