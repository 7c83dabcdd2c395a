/** A YAML file as plain data, and where in it each value stands. */
import {
  EVENT_ID,
  FAILSAFE_SCHEMA,
  NOT_RESOLVED,
  YAMLException,
  boolYaml11Tag,
  defineScalarTag,
  floatYaml11Tag,
  getScalarValue,
  intYaml11Tag,
  load,
  nullYaml11Tag,
  parseEvents,
} from 'js-yaml';
import type { Event } from 'js-yaml';
import { pathText } from './paths.ts';
import type { Path } from './paths.ts';

/** YAML 1.1 also has `y` and `n`; PyYAML leaves them alone, and a runner may be called so. */
const boolTag = defineScalarTag<boolean>('tag:yaml.org,2002:bool', {
  ...boolYaml11Tag,
  resolve: (source, isExplicit, tagName) =>
    source.length === 1 ? NOT_RESOLVED : boolYaml11Tag.resolve(source, isExplicit, tagName),
});

/** As PyYAML's `safe_load` reads scalars; no merges, no aliases, no tags of a language. */
const schema = FAILSAFE_SCHEMA.withTags(nullYaml11Tag, boolTag, intYaml11Tag, floatYaml11Tag);

/** A configuration of a hundred runners is nowhere near. */
const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 20;

export interface YamlFile {
  readonly value: unknown;
  /** `3:5`: line and column of a key, from 1 on. */
  at(path: Path): string;
}

export class YamlFault extends Error {
  readonly at: string;

  constructor(message: string, at: string) {
    super(message);
    this.at = at;
  }
}

/** @throws YamlFault */
export function readYaml(text: string): YamlFile {
  if (text.length > MAX_BYTES) throw new YamlFault(`is larger than ${MAX_BYTES} bytes`, '1:1');
  try {
    const value = load(text.trim() === '' ? 'null' : text, { schema, maxDepth: MAX_DEPTH, maxAliases: 0 });
    const places = keyPlaces(text, parseEvents(text, { maxDepth: MAX_DEPTH }));
    return { value, at: (path) => nearestPlace(places, path) };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { mark, reason } = error;
    throw new YamlFault(reason, mark === undefined ? '1:1' : `${mark.line + 1}:${mark.column + 1}`);
  }
}

/** A value by itself, as in a variable of the environment; the text where it is no YAML, and null where there is none. */
export function readScalar(text: string): unknown {
  if (text.trim() === '') return null;
  try {
    return load(text, { schema, maxDepth: MAX_DEPTH, maxAliases: 0 });
  } catch {
    return text;
  }
}

/** The place of each key, by its path. */
function keyPlaces(text: string, events: readonly Event[]): Map<string, string> {
  const places = new Map<string, string>();
  const place = placesIn(text);
  let at = 0;
  const skip = () => {
    const event = events[at++];
    if (event?.type === EVENT_ID.MAPPING || event?.type === EVENT_ID.SEQUENCE) {
      while (events[at]?.type !== EVENT_ID.POP) skip();
      at++;
    }
  };
  const visit = (path: Path) => {
    if (events[at]?.type !== EVENT_ID.MAPPING) return skip();
    for (at++; events[at]?.type !== EVENT_ID.POP;) {
      const key = events[at] as Event;
      if (key.type !== EVENT_ID.SCALAR) {
        skip();
        skip();
        continue;
      }
      at++;
      const child = [...path, getScalarValue(text, key)];
      places.set(pathText(child), place(key.valueStart));
      visit(child);
    }
    at++;
  };
  while (at < events.length) {
    if (events[at]?.type === EVENT_ID.DOCUMENT || events[at]?.type === EVENT_ID.POP) at++;
    else visit([]);
  }
  return places;
}

function placesIn(text: string): (offset: number) => string {
  return (offset) => {
    const before = text.slice(0, offset).split('\n');
    return `${before.length}:${(before.at(-1) ?? '').length + 1}`;
  };
}

function nearestPlace(places: ReadonlyMap<string, string>, path: Path): string {
  for (let length = path.length; length > 0; length--) {
    const found = places.get(pathText(path.slice(0, length)));
    if (found !== undefined) return found;
  }
  return '1:1';
}
