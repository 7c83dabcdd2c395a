/** A YAML (or JSON) file as plain data, and where in it each key stands: `@ekiben/config/yaml`. */
import { EVENT_ID, SCALAR_STYLE, YAMLException, getScalarValue, load, parseEvents } from 'js-yaml';
import type { Event } from 'js-yaml';
import { schema } from './yaml-schema.ts';

/** Keys, and of lists the places from 0 on. */
export type YamlPath = readonly (string | number)[];

/** From 1 on. */
export interface YamlPlace {
  readonly line: number;
  readonly column: number;
}

export interface PlacedYaml {
  /** null where there is nothing, or nothing but comments. */
  readonly value: unknown;
  /** Of the key or item at `path`, or of the nearest one above it. */
  at(path: YamlPath): YamlPlace;
}

export interface YamlLimits {
  readonly maxBytes: number;
  /** Of mappings and lists in each other. */
  readonly maxDepth: number;
  /** `*name` in place of `&name`. @default 0 */
  readonly maxAliases?: number | undefined;
}

/** What is wrong with the text, and where. */
export class YamlFault extends Error {
  readonly place: YamlPlace;

  constructor(message: string, place: YamlPlace, options?: ErrorOptions) {
    super(message, options);
    this.place = place;
  }
}

const START: YamlPlace = { line: 1, column: 1 };

/**
 * Scalars are read as PyYAML's `safe_load` does: `on` is true, `y` is a text, `2024-01-01` is one, too. `<<` merges nothing.
 * @throws YamlFault
 */
export function readYaml(text: string, { maxBytes, maxDepth, maxAliases = 0 }: YamlLimits): PlacedYaml {
  if (Buffer.byteLength(text) > maxBytes) throw new YamlFault(`is larger than ${maxBytes} bytes`, START);
  try {
    const events = parseEvents(text, { maxDepth });
    if (events.length === 0) return { value: null, at: () => START };
    const value = load(text, { schema, maxDepth, maxAliases });
    const offsets = keyOffsets(text, events);
    return { value, at: (path) => placeIn(text, nearestOffset(offsets, path)) };
  } catch (cause) {
    if (!(cause instanceof YAMLException)) throw cause;
    const { mark, reason } = cause;
    const place = mark === undefined ? START : { line: mark.line + 1, column: mark.column + 1 };
    throw new YamlFault(reason, place, { cause });
  }
}

/** The offset of each key and item, by its path as JSON. */
function keyOffsets(text: string, events: readonly Event[]): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  let next = 0;
  const visit = (path: YamlPath): void => {
    const event = events[next++];
    if (event?.type === EVENT_ID.DOCUMENT) {
      visit(path);
      next++;
    } else if (event?.type === EVENT_ID.SEQUENCE) {
      for (let item = 0; events[next]?.type !== EVENT_ID.POP; item++) {
        offsets.set(JSON.stringify([...path, item]), startOf(events[next]));
        visit([...path, item]);
      }
      next++;
    } else if (event?.type === EVENT_ID.MAPPING) {
      while (events[next]?.type !== EVENT_ID.POP) {
        const key = events[next];
        const name = key?.type === EVENT_ID.SCALAR ? getScalarValue(text, key) : '';
        visit([]);
        offsets.set(JSON.stringify([...path, name]), startOf(key));
        visit([...path, name]);
      }
      next++;
    }
  };
  visit([]);
  return offsets;
}

const QUOTED: readonly number[] = [SCALAR_STYLE.DOUBLE_QUOTED, SCALAR_STYLE.SINGLE_QUOTED];

function startOf(event: Event | undefined): number {
  // The value of a quoted scalar begins behind its quote.
  if (event?.type === EVENT_ID.SCALAR) return event.valueStart - (QUOTED.includes(event.style) ? 1 : 0);
  if (event?.type === EVENT_ID.MAPPING || event?.type === EVENT_ID.SEQUENCE) return event.start;
  return event?.type === EVENT_ID.ALIAS ? event.anchorStart : 0;
}

function nearestOffset(offsets: ReadonlyMap<string, number>, path: YamlPath): number {
  for (let length = path.length; length > 0; length--) {
    const offset = offsets.get(JSON.stringify(path.slice(0, length)));
    if (offset !== undefined) return offset;
  }
  return 0;
}

function placeIn(text: string, offset: number): YamlPlace {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
