/**
 * Where a text stops being JSON (RFC 8259). `JSON.parse` says so in words that differ between versions of V8, and often without a
 * position; this runs only after it has refused.
 */
export interface JsonFault {
  /** In UTF-16 units, from 0. */
  readonly offset: number;
  readonly expected: string;
}

/** What may come next; the reader's state, in the words of its message. */
const VALUE = 'a value';
const VALUE_OR_END = "a value or ']'";
const KEY = 'a key in double quotes';
const KEY_OR_END = "a key in double quotes or '}'";
const COLON = "':'";
const MORE_ITEMS = "',' or ']'";
const MORE_ENTRIES = "',' or '}'";
const NOTHING = 'the end of the text';

/** Reads token by token with a stack of its own, since nesting is the client's choice. */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: string[] = [];
  const afterValue = () => (open.length === 0 ? NOTHING : open.at(-1) === '[' ? MORE_ITEMS : MORE_ENTRIES);
  let expected = VALUE;
  let offset = skipSpace(text, 0);
  while (offset < text.length) {
    const character = text.charAt(offset);
    const end = tokenEnd(text, offset);
    const wantsValue = expected === VALUE || expected === VALUE_OR_END;
    if (wantsValue && (character === '[' || character === '{')) {
      open.push(character);
      expected = character === '[' ? VALUE_OR_END : KEY_OR_END;
    } else if (wantsValue && isScalar(text.slice(offset, end))) {
      expected = afterValue();
    } else if (
      (expected === KEY || expected === KEY_OR_END) &&
      character === '"' &&
      isScalar(text.slice(offset, end))
    ) {
      expected = COLON;
    } else if (expected === COLON && character === ':') {
      expected = VALUE;
    } else if ((expected === MORE_ITEMS || expected === MORE_ENTRIES) && character === ',') {
      expected = expected === MORE_ITEMS ? VALUE : KEY;
    } else if (closes(expected, character)) {
      open.pop();
      expected = afterValue();
    } else {
      return { offset, expected };
    }
    offset = skipSpace(text, end);
  }
  return expected === NOTHING ? undefined : { offset, expected };
}

const closes = (expected: string, character: string): boolean =>
  character === ']'
    ? expected === VALUE_OR_END || expected === MORE_ITEMS
    : character === '}' && (expected === KEY_OR_END || expected === MORE_ENTRIES);

function skipSpace(text: string, offset: number): number {
  while (offset < text.length && ' \t\n\r'.includes(text.charAt(offset))) offset++;
  return offset;
}

/** A string up to its closing quote, one mark, or a run of anything else. */
function tokenEnd(text: string, start: number): number {
  let end = start + 1;
  if (text[start] === '"') {
    while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
    return Math.min(end + 1, text.length);
  }
  const isPart = (character: string) => !' \t\n\r{}[]:,"'.includes(character);
  if (isPart(text.charAt(start))) while (end < text.length && isPart(text.charAt(end))) end++;
  return end;
}

function isScalar(token: string): boolean {
  try {
    JSON.parse(token);
    return true;
  } catch {
    return false;
  }
}
