/** What a form is made of: parts by name, which may be left out or come several times. */
import { EkibenError, pointerTo } from '@ekiben/spec';
import type { Descriptor, EncodedBody } from './descriptor.ts';
import type { FaultList } from './faults.ts';
import { FORM } from './form.ts';

/** A descriptor of a part, whatever its types. */
export interface AnyDescriptor extends Omit<
  Descriptor<unknown, unknown>,
  'encode' | 'encodeTyped' | 'toWire' | 'filename'
> {
  encode(value: never): EncodedBody | Promise<EncodedBody>;
  toWire(value: never): unknown;
  filename?(value: never): string | undefined;
}

/** A part that may be left out. Made by {@link optional}. */
export interface OptionalPart<D extends AnyDescriptor> {
  readonly optional: D;
}

/** A part that may come several times. Made by {@link repeated}. */
export interface RepeatedPart<D extends AnyDescriptor> {
  readonly repeated: D;
  readonly min: number;
  readonly max: number;
}

/** By name, in the order in which they go out. */
export type Parts = Readonly<Record<string, AnyDescriptor | OptionalPart<AnyDescriptor> | RepeatedPart<AnyDescriptor>>>;

export interface Field {
  readonly name: string;
  readonly descriptor: AnyDescriptor;
  readonly min: number;
  readonly max: number;
  readonly isRepeated: boolean;
}

/** By the name of the part. */
export type Values = Readonly<Record<string, unknown>>;

export function fieldOf(name: string, part: Parts[string]): Field {
  if ('repeated' in part) return { name, descriptor: part.repeated, min: part.min, max: part.max, isRepeated: true };
  if ('optional' in part) return { name, descriptor: part.optional, min: 0, max: 1, isRepeated: false };
  return { name, descriptor: part, min: 1, max: 1, isRepeated: false };
}

/** @throws EKIBEN_INVALID_SCHEMA */
export function checkFields(fields: readonly Field[]): void {
  const invalid = (message: string) => new EkibenError('EKIBEN_INVALID_SCHEMA', message);
  const nested = fields.find(({ descriptor }) => descriptor.mediaTypes[0] === FORM);
  if (nested !== undefined) throw invalid(`Part '${nested.name}' is a form, and forms have no forms within.`);
  const streamed = fields.filter(({ descriptor }) => descriptor.streams === true);
  if (streamed.length > 1) throw invalid(`Only one part can stream, not ${namesOf(streamed)}.`);
  if (streamed.some(({ isRepeated }) => isRepeated))
    throw invalid(`Part '${namesOf(streamed)}' streams, and can come only once.`);
}

const namesOf = (fields: readonly Field[]) => fields.map(({ name }) => name).join(', ');

/** The object of what was found for each field. */
export function valuesOf(fields: readonly Field[], found: (name: string) => readonly unknown[]): Values {
  const present = fields.filter(({ name, isRepeated }) => isRepeated || found(name).length > 0);
  return Object.fromEntries(present.map(({ name, isRepeated }) => [name, isRepeated ? found(name) : found(name)[0]]));
}

/** A list of values for each field of an object. */
export function partsOf(
  fields: readonly Field[],
  form: unknown,
  faults: FaultList,
): ReadonlyMap<string, readonly unknown[]> {
  if (typeof form !== 'object' || form === null) {
    faults.add('', 'must be an object of parts by name');
    return new Map();
  }
  return new Map(
    fields.map(({ name, isRepeated, min, max }) => {
      const value: unknown = (form as Values)[name];
      const values = isRepeated ? [value ?? []].flat(1) : value === undefined ? [] : [value];
      if (values.length < min || values.length > max) faults.add(pointerTo(name), `must come ${min} to ${max} times`);
      return [name, values];
    }),
  );
}
