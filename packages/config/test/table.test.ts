// The table of keys, and what is made of it, agree.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { configurationSchema, resolveConfiguration, runnerKeys, serverKeys, tracingKeys } from '../src/index.ts';
import type { Configuration, Key } from '../src/index.ts';

const keys: readonly (readonly [string, Key])[] = [
  ...Object.entries<Key>(serverKeys).map(([name, key]) => [`api_server.${name}`, key] as const),
  ...Object.entries<Key>(runnerKeys).map(([name, key]) => [`runners.${name}`, key] as const),
  ...Object.entries<Key>(tracingKeys).map(([name, key]) => [`tracing.${name}`, key] as const),
];

/** Of these each key takes some and refuses some. */
const VALUES = [
  true,
  false,
  -1,
  0,
  1,
  1.5,
  2,
  5,
  17,
  3001,
  70_000,
  '',
  'text',
  '(',
  '1',
  '500m',
  '512Mi',
  '2Gi',
  'process',
  '/models/credit',
  '/a',
  'http://127.0.0.1:4318/v1/traces',
  'https://collector.example/',
  'x',
  '08d',
  'otlp',
  'zipkin',
  'http',
  'http/json',
  'gzip',
  'none',
  'a=b',
  'c=d,e=f',
];
const MORE = [[], ['a', 'b'], [1], [1, 2], [2, 1], {}, { a: 1 }, { a: 'b' }, 'cpu_count', 'auto'];
const POOL: readonly unknown[] = [...VALUES, ...MORE];

const nested = (key: string, value: unknown) =>
  [...key.matchAll(/"([^"]+)"|[^."]+/g)].reduceRight<unknown>((inner, [all, name = all]) => ({ [name]: inner }), value);

const validate = new Ajv2020({ formats: { regex: true }, allowUnionTypes: true }).compile(configurationSchema());

/** What a schema cannot say: an order, a regular expression, a number in a text. */
const tooLax = (name: string, value: unknown) =>
  value === '(' || JSON.stringify(value) === '[2,1]' || (name.endsWith('memory') && value === '1');

describe.each(keys)('%s', (name, key) => {
  test('takes its default, and some values but not all', () => {
    if (key.default !== null) expect(key.type.read(key.default)).toEqual(key.default);
    const taken = POOL.filter((value) => key.type.read(value) !== undefined);
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.length).toBeLessThan(POOL.length);
  });

  test('is taken from a file by the same rule as by the JSON Schema', () => {
    for (const value of POOL) {
      const isTaken = key.type.read(value) !== undefined;
      if (isTaken || !tooLax(name, value)) expect([value, validate(nested(name, value))]).toEqual([value, isTaken]);
    }
    expect(validate(nested(name, null))).toBe(true);
    expect(validate(nested(`${name}x`, 1))).toBe(false);
  });
});

/** What else must be said for a key to have an effect. */
const COMPANY: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'api_server.ssl': { 'api_server.ssl.certfile': 'c', 'api_server.ssl.keyfile': 'k', 'api_server.ssl.ca_certs': 'a' },
  'api_server.http.cors': {
    'api_server.http.cors.enabled': true,
    'api_server.http.cors.access_control_allow_origins': ['o'],
  },
  'api_server.metrics.duration.min': { 'api_server.metrics.duration.max': 60, 'api_server.metrics.duration.factor': 3 },
  'api_server.metrics.duration.max': {
    'api_server.metrics.duration.min': 0.5,
    'api_server.metrics.duration.factor': 3,
  },
  'api_server.metrics.duration.factor': {
    'api_server.metrics.duration.min': 0.5,
    'api_server.metrics.duration.max': 60,
  },
  'runners.workers_per_resource': { 'runners.resources.gpu': 1 },
  'tracing.': { 'tracing.exporter_type': 'otlp' },
};

test.each(keys)('%s ends in the option that it names', (name, { option, type }) => {
  const company = Object.entries(COMPANY).filter(([prefix]) => name.startsWith(prefix));
  const results = POOL.filter((value) => type.read(value) !== undefined && value !== '(').map((value) => {
    const settings = { ...Object.assign({}, ...company.map(([, more]) => more)), [name]: value };
    const options = Object.entries(settings).map(([key, each]) => `${key}=${JSON.stringify(each)}`);
    const configuration = configured(options.join(' '));
    if (name.startsWith('tracing.')) return { tracing: configuration?.tracing() };
    return name.startsWith('runners.') ? configuration?.runner('any') : configuration?.server();
  });
  const at = tlsFile(option).split('.');
  const valueIn = (result: unknown) =>
    at.reduce((value, step) => (value as Record<string, unknown> | undefined)?.[step], result);
  // Different values make different options.
  expect(new Set(results.map((result) => JSON.stringify(valueIn(result)))).size).toBeGreaterThan(1);
});

/** Some values do not go together with the company. */
function configured(options: string): Configuration | undefined {
  try {
    return resolveConfiguration({ env: { EKIBEN_CONFIG_OPTIONS: options } });
  } catch {
    return undefined;
  }
}

const tlsFile = (option: string) => option.replace(/^(tls\.cert|tls\.key|tls\.ca|tracing\.ca)$/, '$1File');

test('schema.json in the package is the schema', () => {
  const written = readFileSync(new URL('../schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(configurationSchema())));
});

test('the README has every key, as the table says', async () => {
  const { keyTable } = (await import(new URL('../docs.mjs', import.meta.url).href)) as { keyTable: () => string };
  const cells = (text: string) => text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const isRow = ([, key = '']: readonly string[]) => key.startsWith('`');
  expect(cells(readme).filter(isRow)).toEqual(cells(keyTable()).filter(isRow));
});
