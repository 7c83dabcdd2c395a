import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { currentVersion, pointAlias, readAliases, rollBackAlias, withoutAlias, type Aliases } from '../src/aliases.ts';

const point = (...versions: string[]): Aliases =>
  versions.reduce((aliases: Aliases, version) => pointAlias(aliases, 'production', version, 'now'), {});
const back = (aliases: Aliases, exists: (version: string) => boolean = () => true): Aliases =>
  rollBackAlias(aliases, 'production', 'now', exists) ?? {};
const current = (aliases: Aliases) => currentVersion(aliases, 'production');

describe('an alias', () => {
  test('points at the version it was pointed at last', () => expect(current(point('v1', 'v2'))).toBe('v2'));

  test('returns to the version before, and two rollbacks to the one before that', () => {
    const aliases = point('v1', 'v2', 'v3');
    expect(current(back(aliases))).toBe('v2');
    expect(current(back(back(aliases)))).toBe('v1');
    expect(back(back(back(aliases)))).toEqual({});
  });

  test('goes on from where it was rolled back to', () => {
    const aliases = pointAlias(back(point('v1', 'v2')), 'production', 'v3', 'now');
    expect(current(back(aliases))).toBe('v1');
  });

  test('passes over versions that are gone', () => {
    expect(current(back(point('v1', 'v2', 'v3'), (version) => version !== 'v2'))).toBe('v1');
  });

  test('keeps every move', () => {
    expect(back(point('v1', 'v2'))['production']?.map(({ version, by }) => `${by} ${version}`)).toEqual([
      'alias v1',
      'alias v2',
      'rollback v1',
    ]);
  });

  test('does not move when it is there already', () => expect(point('v1', 'v1')['production']).toHaveLength(1));

  test('can be removed', () => expect(current(withoutAlias(point('v1'), 'production'))).toBeUndefined());

  test('behaves as a stack of versions', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.constantFrom('v1', 'v2', 'v3'))), (moves) => {
        let aliases: Aliases = {};
        const stack: string[] = [];
        for (const version of moves) {
          if (version !== null) {
            aliases = pointAlias(aliases, 'production', version, 'now');
            if (stack.at(-1) !== version) stack.push(version);
          } else if (stack.length > 1) {
            aliases = back(aliases);
            stack.pop();
          }
        }
        expect(current(aliases)).toBe(stack.at(-1));
      }),
    );
  });

  test.each(['', '[]', '{"a": 1}', '{"a": [1]}', 'x'])('is not read from %j', (text) => {
    expect(() => readAliases(text, 'a.json')).toThrow(expect.objectContaining({ code: 'EKIBEN_ALIASES_INVALID' }));
  });
});
