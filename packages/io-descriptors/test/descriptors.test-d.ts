// Types, compiled and not run.
import type { AnyMethod, Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import * as z from 'zod';
import {
  dataFrame,
  eventStream,
  file,
  json,
  multipart,
  ndarray,
  ndjson,
  optional,
  repeated,
  series,
  text,
  textStream,
} from '../src/index.ts';
import type { Descriptor, FileData, FileStream, NdarrayWire } from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_equal: Equal<A, B>): void => undefined;
type Frozen<T> = T extends readonly (infer U)[]
  ? readonly Frozen<U>[]
  : T extends AnyMethod
    ? T
    : T extends object
      ? { readonly [K in keyof T]: Frozen<T[K]> }
      : T;
/** As `Service.api` has it. */
declare function answers<OW, OV, const R extends Frozen<OV>>(output: Descriptor<OW, OV>, result: R): void;
type ValueOf<D> = D extends Descriptor<infer _W, infer V> ? V : never;
type WireOf<D> = D extends Descriptor<infer W, infer _V> ? W : never;

const float = ndarray({ dtype: 'float32', shape: [-1, 4] });
same<ValueOf<typeof float>, Tensor<'float32'>>(true);
same<WireOf<typeof float>, NdarrayWire<'float32'>>(true);
const binary = ndarray({ dtype: 'int64', format: 'npy' });
same<WireOf<typeof binary>, Uint8Array>(true);
same<ValueOf<typeof binary>, Tensor<'int64'>>(true);
const any = ndarray();
same<ValueOf<typeof any>, Tensor>(true);
// @ts-expect-error a string is no float
ndarray({ dtype: 'float32', example: [['x']] });
// @ts-expect-error there is no such dtype
ndarray({ dtype: 'float' });

const people = dataFrame({
  columns: { age: 'int32', id: 'int64', home: { dtype: 'string', nullable: true }, income: 'float64' },
});
same<ValueOf<typeof people>, { age: number; id: bigint; home: string | null; income: number }[]>(true);
type PersonWire = {
  readonly age: number;
  readonly id: bigint;
  readonly home: string | null;
  readonly income: number | null;
};
same<WireOf<typeof people>, readonly PersonWire[]>(true);
const inCsv = dataFrame({ columns: { age: 'int32' }, format: 'csv' });
same<WireOf<typeof inCsv>, string>(true);
const loose = dataFrame();
same<ValueOf<typeof loose>, Record<string, unknown>[]>(true);
// @ts-expect-error a dtype of ours has another name
dataFrame({ columns: { age: 'integer' } });

const floats = series({ dtype: 'float32' });
same<ValueOf<typeof floats>, number[]>(true);
const unknowns = series();
same<ValueOf<typeof unknowns>, unknown[]>(true);

const words = text();
same<ValueOf<typeof words>, string>(true);
const whole = file();
same<ValueOf<typeof whole>, FileData>(true);
const streamed = file({ stream: true });
same<ValueOf<typeof streamed>, FileStream>(true);

answers(float, tensor([1, 2, 3, 4], [1, 4], 'float32'));
// @ts-expect-error a tensor of another dtype
answers(float, tensor([1], [1], 'int32'));
answers(people, [{ age: 1, id: 2n, home: null, income: 3 }]);
// @ts-expect-error a column is missing
answers(people, [{ age: 1 }]);
answers(floats, [1, 2]);
answers(words, 'text');
answers(whole, { bytes: new Uint8Array(1) });
answers(streamed, { stream: ReadableStream.from([new Uint8Array(1)]) });

const form = multipart({
  meta: json(z.object({ n: z.int() })),
  note: optional(text()),
  photos: repeated(file()),
  rows: ndarray({ dtype: 'int8' }),
});
type Form = ValueOf<typeof form>;
const meta: Form['meta'] = { n: 1 };
same<Form['note'], string | undefined>(true);
same<Form['photos'], FileData[]>(true);
same<Form['rows'], Tensor<'int8'>>(true);
answers(form, { meta, photos: [], rows: tensor([1], [1], 'int8') });
// @ts-expect-error a part that is required is missing
answers(form, { meta, photos: [] });
// @ts-expect-error no descriptor
multipart({ a: 3 });

async function* generated() {
  yield 'a';
}
answers(textStream(), generated());
// @ts-expect-error not of the schema
answers(ndjson(z.object({ n: z.int() })), generated());
async function* events() {
  yield { data: { n: 1 } };
}
answers(eventStream(z.object({ n: z.int() })), events());
// @ts-expect-error without a schema the data is text
answers(eventStream(), events());
