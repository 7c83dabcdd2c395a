// A YAML (or JSON) text as plain data, and where in it each key stands.
import { EkibenError } from '@ekiben/spec';
import {
  EVENT_ID,
  FAILSAFE_SCHEMA,
  SCALAR_STYLE,
  YAMLException,
  boolYaml11Tag,
  floatYaml11Tag,
  getScalarValue,
  intYaml11Tag,
  load,
  nullYaml11Tag,
  parseEvents,
  type Event,
} from 'js-yaml';
import { BENTOFILE_MAX_BYTES, BENTOFILE_MAX_DEPTH } from './limits.ts';

/** As PyYAML's `safe_load` reads scalars, which is how BentoML reads the file. */
const schema = FAILSAFE_SCHEMA.withTags(nullYaml11Tag, boolYaml11Tag, intYaml11Tag, floatYaml11Tag);

const QUOTED: readonly number[] = [SCALAR_STYLE.DOUBLE_QUOTED, SCALAR_STYLE.SINGLE_QUOTED];

export type Path = readonly (string | number)[];

export interface Place {
  /** From 1 on. */
  readonly line: number;
  readonly column: number;
}

export interface PlacedData {
  readonly value: unknown;
  /** Of the key or list item at `path`, or of the nearest one above it. */
  at(path: Path): Place;
}

/**
 * @param file - names the text in errors
 * @throws EKIBEN_BENTOFILE_INVALID with file, line and column
 */
export function readPlaced(text: string, file: string): PlacedData {
  if (text.length > BENTOFILE_MAX_BYTES) {
    throw new EkibenError('EKIBEN_BENTOFILE_INVALID', `${file} is larger than ${BENTOFILE_MAX_BYTES} bytes.`);
  }
  try {
    const options = { maxDepth: BENTOFILE_MAX_DEPTH };
    const value = load(text, { ...options, schema });
    const offsets = keyOffsets(text, parseEvents(text, options));
    return { value, at: (path) => placeIn(text, nearestOffset(offsets, path)) };
  } catch (cause) {
    if (!(cause instanceof YAMLException)) throw cause;
    const { mark, reason } = cause;
    const place = mark === undefined ? file : `${file}:${mark.line + 1}:${mark.column + 1}`;
    throw new EkibenError('EKIBEN_BENTOFILE_INVALID', `${place}: ${reason}`, { cause });
  }
}

/** The offset of each key and list item, by its path as JSON. */
function keyOffsets(text: string, events: readonly Event[]): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  let next = 0;
  const visit = (path: Path): void => {
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

function startOf(event: Event | undefined): number {
  // The value of a quoted scalar begins behind its quote.
  if (event?.type === EVENT_ID.SCALAR) return event.valueStart - (QUOTED.includes(event.style) ? 1 : 0);
  if (event?.type === EVENT_ID.MAPPING || event?.type === EVENT_ID.SEQUENCE) return event.start;
  return event?.type === EVENT_ID.ALIAS ? event.anchorStart : 0;
}

function nearestOffset(offsets: ReadonlyMap<string, number>, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const offset = offsets.get(JSON.stringify(path.slice(0, length)));
    if (offset !== undefined) return offset;
  }
  return 0;
}

function placeIn(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
