/**
 * Calls into a batch, and its result apart again.
 *
 * Data are the tensors among the arguments, alone or in a record of inputs by name; and the arrays, where the first argument is
 * one (a list of texts). They are joined along the batch axis. All else (options, names of outputs) has to be equal for two calls
 * to meet, as have dtypes and the other axes.
 */
import { EkibenError } from '@ekiben/spec';
import type { Tensor } from '@ekiben/spec';
import { concat, isTensor, split } from '@ekiben/tensor';
import type { TraceContext } from './call-context.ts';

export type Args = readonly unknown[];

/** A call that may meet others. */
export interface Joinable {
  readonly args: Args;
  readonly rows: number;
  /** Calls with equal keys may be joined. */
  readonly key: string;
  readonly trace: TraceContext;
}

const NO_TRACE: TraceContext = Object.freeze({});

type Data = Tensor | readonly unknown[];
type Inputs = Readonly<Record<string, unknown>>;

/** What has to agree and how much there is; null for a call that cannot be joined with any other. */
export function joinable(args: Args, axis: number, trace: TraceContext = NO_TRACE): Joinable | null {
  const lists = Array.isArray(args[0]);
  let rows = -1;
  let key = '';
  const see = (value: unknown): boolean => {
    const size = isData(value, lists) ? sizeOf(value, axis) : -1;
    if (size < 0) {
      const json = toKey(value);
      key += `${json};`;
      return json !== null;
    }
    key += `${isTensor(value) ? tensorKey(value, axis) : 'list'};`;
    const agrees = rows < 0 || rows === size;
    rows = size;
    return agrees;
  };
  for (const arg of args) {
    if (!isInputs(arg)) {
      if (!see(arg)) return null;
      continue;
    }
    for (const name in arg) {
      key += `${JSON.stringify(name)}:`;
      if (!see(arg[name])) return null;
    }
    key += '|';
  }
  return rows > 0 ? { args, rows, key, trace } : null;
}

/** The arguments of one call that does for all. Their keys are equal. */
export function joinArgs(calls: readonly Joinable[], axis: number): Args {
  return mapData(calls[0]?.args ?? [], (_, at, name) => {
    const same = calls.map(({ args }) => (name === null ? args[at] : (args[at] as Inputs)[name]));
    return joinData(same as readonly Data[], axis);
  });
}

/** One call as several, of the given rows each. */
export function splitArgs({ args, key, trace }: Joinable, sizes: readonly number[], axis: number): Joinable[] {
  const parts = new Map<Data, readonly unknown[]>();
  mapData(args, (data) => parts.set(data, splitData(data, sizes, axis)));
  return sizes.map((rows, i) => ({ rows, key, trace, args: mapData(args, (data) => parts.get(data)?.[i]) }));
}

/** `rows` as pieces of `maxRows`, the last one smaller. */
export function pieceSizes(rows: number, maxRows: number): number[] {
  return Array.from({ length: Math.ceil(rows / maxRows) }, (_, i) => Math.min(maxRows, rows - i * maxRows));
}

/** @throws EKIBEN_BATCH_RESULT_INVALID when a result does not have a row for each row of the input */
export function checkResult(result: unknown, rows: number, axis: number, method: string): void {
  if (isTensor(result) || Array.isArray(result)) {
    const got = sizeOf(result, axis);
    if (got !== rows) throw resultInvalid(method, rows, `has ${got < 0 ? 'no such axis' : got}`, axis);
  } else if (typeof result === 'object' && result !== null) {
    for (const value of Object.values(result)) checkResult(value, rows, axis, method);
  } else throw resultInvalid(method, rows, `is ${result === null ? 'null' : `a ${typeof result}`}`, axis);
}

/** The result of a joined call, checked, as the results of its calls. */
export function splitResult(result: unknown, sizes: readonly number[], axis: number): readonly unknown[] {
  if (isTensor(result) || Array.isArray(result)) return splitData(result, sizes, axis);
  const parts = mapRecord(result as Inputs, (value) => splitResult(value, sizes, axis));
  return sizes.map((_, i) => mapRecord(parts, (values) => values[i]));
}

/** The results of the parts of one call as its own. */
export function joinResults(parts: readonly unknown[], axis: number): unknown {
  const [first] = parts;
  if (isTensor(first) || Array.isArray(first)) return joinData(parts as readonly Data[], axis);
  return mapRecord(first as Inputs, (_, name) =>
    joinResults(
      parts.map((part) => (part as Inputs)[name]),
      axis,
    ),
  );
}

/** The arguments with their data replaced, and the rest as it is. */
function mapData(args: Args, map: (data: Data, at: number, name: string | null) => unknown): Args {
  const lists = Array.isArray(args[0]);
  return args.map((arg, at) => {
    if (isData(arg, lists)) return map(arg, at, null);
    if (!isInputs(arg)) return arg;
    return mapRecord(arg, (value, name) => (isData(value, lists) ? map(value, at, name) : value));
  });
}

const isData = (value: unknown, lists: boolean): value is Data => isTensor(value) || (lists && Array.isArray(value));

/** A record with a tensor in it: inputs by name. */
function isInputs(arg: unknown): arg is Inputs {
  if (typeof arg !== 'object' || arg === null || Array.isArray(arg) || ArrayBuffer.isView(arg) || isTensor(arg))
    return false;
  for (const name in arg) if (isTensor((arg as Inputs)[name])) return true;
  return false;
}

/** Its length along the axis; -1 if it has none there. */
function sizeOf(data: Data, axis: number): number {
  if (!isTensor(data)) return axis === 0 ? data.length : -1;
  return data.shape[axis < 0 ? data.shape.length + axis : axis] ?? -1;
}

function tensorKey({ dtype, shape }: Tensor, axis: number): string {
  const along = axis < 0 ? shape.length + axis : axis;
  let key: string = dtype;
  for (let at = 0; at < shape.length; at++) key += at === along ? ',*' : `,${shape[at]}`;
  return key;
}

const joinData = (all: readonly Data[], axis: number): Data =>
  isTensor(all[0]) ? concat(all as readonly Tensor[], axis) : (all as readonly (readonly unknown[])[]).flat(1);

function splitData(data: Data, sizes: readonly number[], axis: number): readonly unknown[] {
  if (isTensor(data)) return split(data, sizes, axis);
  let at = 0;
  return sizes.map((size) => data.slice(at, (at += size)));
}

function mapRecord<T, U>(record: Readonly<Record<string, T>>, map: (value: T, name: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}

/** An option as text; null when JSON does not tell it from others. */
function toKey(value: unknown): string | null {
  if (value === undefined) return 'undefined';
  let exact = true;
  const json = JSON.stringify(value, function (this: Readonly<Record<string, unknown>>, name, member: unknown) {
    if (typeof member === 'bigint') return { bigint: String(member) };
    if (typeof member === 'number' && !Number.isFinite(member)) return { number: String(member) };
    if (typeof member === 'function' || typeof member === 'symbol' || isOpaque(this[name])) exact = false;
    return member;
  }) as string | undefined;
  return exact && json !== undefined ? json : null;
}

/** Not made of what JSON has: a Map, a typed array, an instance of a class. */
function isOpaque(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}

function resultInvalid(method: string, rows: number, got: string, axis: number): EkibenError {
  return new EkibenError(
    'EKIBEN_BATCH_RESULT_INVALID',
    `${method} was called with a batch of ${rows} rows, and along axis ${axis} its result ${got}. ` +
      'Set batchDim as the method works, or batchable: false.',
  );
}
