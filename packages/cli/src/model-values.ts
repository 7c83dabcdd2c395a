// What a model takes and gives, as JSON: tensors as nested arrays, several of them in an object by name.
import { json, ndarray, openApiSchema } from '@ekiben/io-descriptors';
import type { Descriptor, JsonSchema } from '@ekiben/io-descriptors';
import { EkibenError, pointerTo } from '@ekiben/spec';
import type { Fault, MethodInfo, OutputInfo, TensorInfo } from '@ekiben/spec';
import { isTensor } from '@ekiben/tensor';

/** What it takes is known at run time only. */
type AnyDescriptor = Descriptor<unknown, unknown>;

/** Of a model that does not say what it takes. */
export const anyTensor = (): AnyDescriptor => ndarray() as AnyDescriptor;

export function tensorInput(info: TensorInfo | OutputInfo): AnyDescriptor {
  const { dtype, shape } = info;
  if (shape === null) return ndarray({ dtype: dtype ?? undefined }) as AnyDescriptor;
  const lengths = shape.map((length) => (typeof length === 'number' ? length : -1));
  return ndarray({ dtype: dtype ?? undefined, shape: lengths, enforceShape: true }) as AnyDescriptor;
}

/** `{ "ids": [[1, 2]], "mask": [[1, 1]] }` */
export function namedTensors(infos: readonly TensorInfo[]): AnyDescriptor {
  const parts = new Map(infos.map((info) => [info.name, tensorInput(info)]));
  const names = [...parts.keys()];
  // Of the object this checks the names only; what is in it, each part does.
  const whole = json({
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, {}])),
    required: names,
    additionalProperties: false,
  }) as AnyDescriptor;
  const read = (value: unknown) => readParts(parts, value as Readonly<Record<string, unknown>>);
  const schema = objectSchema(parts);
  return {
    ...whole,
    decode: async (body, contentType) => read(await whole.decode(body, contentType)),
    parse: async (value) => read(await whole.parse(value)),
    jsonSchema: () => schema,
    example: Object.fromEntries([...parts].map(([name, part]) => [name, part.example])),
  };
}

/** @throws EKIBEN_INVALID_INPUT with the faults of all parts */
async function readParts(
  parts: ReadonlyMap<string, AnyDescriptor>,
  value: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const tensors: Record<string, unknown> = {};
  const errors: Fault[] = [];
  for (const [name, part] of parts) {
    try {
      tensors[name] = await part.parse(value[name]);
    } catch (error) {
      if (!EkibenError.is(error) || error.code !== 'EKIBEN_INVALID_INPUT') throw error;
      const at = pointerTo(name);
      for (const fault of error.details?.errors ?? []) errors.push({ ...fault, pointer: at + fault.pointer });
    }
  }
  if (errors.length === 0) return tensors;
  const message = errors.map((fault) => `${fault.pointer} ${fault.message}`).join('; ');
  throw new EkibenError('EKIBEN_INVALID_INPUT', `The input is wrong: ${message}.`, { details: { errors } });
}

/** Whatever a method gives: a tensor, a record of them, or plain data. */
export function methodResult(info: MethodInfo['output'] | undefined): AnyDescriptor {
  const schema = info === undefined ? undefined : resultSchema(info);
  return {
    ...json<unknown, unknown>({} as never),
    encode: resultText,
    toWire: (value) => JSON.parse(resultText(value)) as unknown,
    jsonSchema: () => schema,
    example: undefined,
  };
}

const anyOutput = ndarray();

function resultText(value: unknown): string {
  if (isTensor(value)) return anyOutput.encode(value) as string;
  if (Array.isArray(value)) return `[${value.map(resultText).join(',')}]`;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}:${resultText(each)}`);
  return `{${entries.join(',')}}`;
}

function resultSchema(info: NonNullable<MethodInfo['output']>): JsonSchema | undefined {
  if ('name' in info) return info.dtype === null ? undefined : tensorInput(info).jsonSchema('output');
  return objectSchema(new Map(info.map((each) => [each.name, tensorInput(each)])));
}

function objectSchema(parts: ReadonlyMap<string, AnyDescriptor>): JsonSchema {
  const properties = Object.fromEntries([...parts].map(([name, part]) => [name, part.jsonSchema('input') ?? {}]));
  return openApiSchema({ type: 'object', properties, required: [...parts.keys()] });
}
