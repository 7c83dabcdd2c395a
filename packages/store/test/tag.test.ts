import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isTagPart, parseTag, requireNewTag } from '../src/tag.ts';
import { newVersion } from '../src/version.ts';

describe('a tag', () => {
  test.each([
    ['name', { name: 'name', version: undefined }],
    ['name:v1', { name: 'name', version: 'v1' }],
    ['Credit_Risk:V1.2-x', { name: 'credit_risk', version: 'v1.2-x' }],
  ])('reads %s', (text, tag) => expect(parseTag(text)).toEqual(tag));

  test.each([
    '',
    ':',
    ':v',
    'a:',
    '..',
    '../x',
    'a/b',
    '/a',
    'a\\b',
    'a:b:c',
    '-a',
    'a-',
    'a b',
    'ä',
    'a\n',
    'a:..',
    'a:../../x',
    'x'.repeat(64),
  ])('refuses %j', (text) =>
    expect(() => parseTag(text)).toThrow(expect.objectContaining({ code: 'EKIBEN_TAG_INVALID' })),
  );

  test('says what is meant by a trailing colon', () =>
    expect(() => parseTag('a:')).toThrow("did you mean 'a:latest'?"));

  test.each([
    ['a', 'latest'],
    ['con', 'v1'],
    ['nul.x', 'v1'],
    ['a', 'aux'],
    ['A', 'v1'],
    ['..', 'v1'],
  ])('refuses to store %s:%s', (name, version) =>
    expect(() => requireNewTag(name, version)).toThrow(expect.objectContaining({ code: 'EKIBEN_TAG_INVALID' })),
  );

  test('never names anything outside of its directory', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        if (isTagPart(text)) expect(text).toMatch(/^[a-z0-9]([-._a-z0-9]{0,61}[a-z0-9])?$/);
      }),
    );
  });
});

describe('a new version', () => {
  const made = Array.from({ length: 5000 }, () => newVersion());

  test('has 16 characters of base32', () => {
    for (const { version } of made) expect(version).toMatch(/^[a-z2-7]{16}$/);
  });

  test('is never the same twice', () => expect(new Set(made.map(({ version }) => version)).size).toBe(made.length));

  test('has its time bits highest, and its creation time to the microsecond as Python writes it', () => {
    const value = (version: string) =>
      Array.from(version).reduce(
        (sum, digit) => sum * 32n + BigInt('abcdefghijklmnopqrstuvwxyz234567'.indexOf(digit)),
        0n,
      );
    for (const { version, creationTime } of made) {
      expect(creationTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
      const micros = BigInt(Date.parse(creationTime)) * 1000n + BigInt(creationTime.slice(23, 26));
      expect(value(version) >> 28n).toBe(micros);
    }
    const times = made.map(({ creationTime }) => creationTime);
    expect(times.toSorted()).toEqual(times);
  });
});
