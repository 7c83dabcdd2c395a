import { randomUUID } from 'node:crypto';
import { stringifyJson } from './json-text.ts';

/** Marks the digits of a bigint in a text; random, so that no value can look like one. */
const MARK = randomUUID();
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, 'g');

/** JSON in which a bigint stands with all its digits, as `JSON.rawJSON` will have it one day. @throws EKIBEN_INVALID_OUTPUT */
export function exactJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return marked(value).replace(MARKED, '$1');
  }
}

function marked(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? MARK + String(each) : each));
  } catch {
    return stringifyJson(value); // a cycle, or too deep: it says so
  }
}
