/** What a value may be: how it is read, what is said when it is not that, and its JSON Schema. */

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface ValueType<T> {
  /** For people, behind "must be": `a whole number from 1 on`. */
  readonly expected: string;
  readonly schema: JsonSchema;
  /** undefined: it is not such a value. */
  read(value: unknown): T | undefined;
}

/** What `read` gives. */
export type ValueOf<Type> = Type extends ValueType<infer T> ? T : never;

export const bool: ValueType<boolean> = {
  expected: 'true or false',
  schema: { type: 'boolean' },
  read: (value) => (typeof value === 'boolean' ? value : undefined),
};

export const text: ValueType<string> = {
  expected: 'text',
  schema: { type: 'string', minLength: 1 },
  read: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
};

export const pathPrefix: ValueType<string> = {
  expected: 'a plain path, such as /models/credit',
  schema: { type: 'string', pattern: '^(?:/[\\w.~-]+)+/?$' },
  read: (value) => (typeof value === 'string' && /^(?:\/[\w.~-]+)+\/?$/.test(value) ? value : undefined),
};

export const httpUrl: ValueType<string> = {
  expected: 'a URL that begins with http:// or https://',
  schema: { type: 'string', pattern: '^https?://' },
  read: (value) => (typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value) ? value : undefined),
};

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): ValueType<number> {
  const bounded = max < Number.MAX_SAFE_INTEGER;
  return {
    expected: `a whole number ${bounded ? `from ${min} to ${max}` : `from ${min} on`}`,
    schema: { type: 'integer', minimum: min, ...(bounded ? { maximum: max } : {}) },
    read: (value) =>
      Number.isInteger(value) && Number(value) >= min && Number(value) <= max ? Number(value) : undefined,
  };
}

export function numberAbove(min: number): ValueType<number> {
  return {
    expected: `a number above ${min}`,
    schema: { type: 'number', exclusiveMinimum: min },
    read: (value) => (Number.isFinite(value) && Number(value) > min ? Number(value) : undefined),
  };
}

export function numberFrom(min: number): ValueType<number> {
  return {
    expected: `a number from ${min} on`,
    schema: { type: 'number', minimum: min },
    read: (value) => (Number.isFinite(value) && Number(value) >= min ? Number(value) : undefined),
  };
}

export const share: ValueType<number> = {
  expected: 'a number from 0 to 1',
  schema: { type: 'number', minimum: 0, maximum: 1 },
  read: (value) => (Number.isFinite(value) && Number(value) >= 0 && Number(value) <= 1 ? Number(value) : undefined),
};

export function oneOf<const T extends string | number>(...allowed: readonly T[]): ValueType<T> {
  return {
    expected: `one of ${allowed.join(', ')}`,
    schema: { enum: allowed },
    read: (value) => allowed.find((each) => each === value),
  };
}

/** One, or a list of them. */
export const texts: ValueType<readonly string[]> = {
  expected: 'text, or a list of texts',
  schema: { anyOf: [text.schema, { type: 'array', items: { type: 'string' } }] },
  read: (value) => {
    const list = typeof value === 'string' && value !== '' ? [value] : value;
    return Array.isArray(list) && list.every((each) => typeof each === 'string') ? list : undefined;
  },
};

/** Separated by commas, as OpenTelemetry for Python reads them, or a list. */
export const regExps: ValueType<readonly string[]> = {
  expected: 'regular expressions, separated by commas or as a list',
  schema: texts.schema,
  read: (value) => {
    const list = typeof value === 'string' ? value.split(',').map((each) => each.trim()) : texts.read(value);
    return list?.every((each) => regExp.read(each) !== undefined) === true ? list : undefined;
  },
};

const PAIRS = /^[^=,]+=[^,]+(?:,[^=,]+=[^,]+)*$/;

/** Texts by name; or as one text, `name=value,name=value`. */
export const textsByName: ValueType<Readonly<Record<string, string>>> = {
  expected: 'texts by name, or name=value,name=value',
  schema: {
    anyOf: [
      { type: 'object', additionalProperties: text.schema, minProperties: 1 },
      { type: 'string', pattern: PAIRS.source },
    ],
  },
  read: (value) => {
    if (typeof value === 'string') {
      if (!PAIRS.test(value)) return undefined;
      return Object.fromEntries(value.split(',').map((pair) => pair.split(/=(.*)/s).map((part) => part.trim())));
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const values = Object.values(value as Readonly<Record<string, unknown>>);
    const areTexts = values.length > 0 && values.every((each) => text.read(each) !== undefined);
    return areTexts ? (value as Readonly<Record<string, string>>) : undefined;
  },
};

/** How Python's `format` writes a whole number; only what log lines need of it. */
export const numberFormat: ValueType<string> = {
  expected: 'a format of Python for a whole number, such as 032x, x or d',
  schema: { type: 'string', pattern: '^(0\\d{1,2})?[xXd]?$' },
  read: (value) => (typeof value === 'string' && /^(0\d{1,2})?[xXd]?$/.test(value) ? value : undefined),
};

export const rising: ValueType<readonly number[]> = {
  expected: 'a list of rising numbers',
  schema: { type: 'array', items: { type: 'number' }, minItems: 1 },
  read: (value) => {
    if (!Array.isArray(value) || value.length === 0 || !value.every(Number.isFinite)) return undefined;
    const list = value as readonly number[];
    return list.every((each, at) => at === 0 || each > (list[at - 1] ?? each)) ? list : undefined;
  },
};

export const regExp: ValueType<string> = {
  expected: 'a regular expression',
  schema: { type: 'string', format: 'regex', minLength: 1 },
  read: (value) => {
    if (typeof value !== 'string' || value === '') return undefined;
    try {
      return new RegExp(value).source;
    } catch {
      return undefined;
    }
  },
};

/** `workers: cpu_count` of BentoML 1.2: what is the default. */
export const workerCount: ValueType<number | 'cpu_count'> = {
  expected: 'a whole number from 1 on, or cpu_count',
  schema: { anyOf: [integer(1).schema, { const: 'cpu_count' }] },
  read: (value) => (value === 'cpu_count' ? value : integer(1).read(value)),
};

const quantity = (value: unknown) => (typeof value === 'number' || typeof value === 'string' ? String(value) : '');

/** `2`, `0.5`, or as Kubernetes writes them, `"500m"`. */
export const cpus: ValueType<number> = {
  expected: 'a number of CPUs above 0, such as 2, 0.5 or "500m"',
  schema: {
    anyOf: [
      { type: 'number', exclusiveMinimum: 0 },
      { type: 'string', pattern: '^\\d+(\\.\\d+)?m?$' },
    ],
  },
  read: (value) => {
    const [, digits, milli] = /^(\d+(?:\.\d+)?)(m?)$/.exec(quantity(value)) ?? [];
    const count = Number(digits) / (milli === 'm' ? 1000 : 1);
    return count > 0 ? count : undefined;
  },
};

const BYTES = { '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };

/** As Kubernetes writes them, in MiB. */
export const mebibytes: ValueType<number> = {
  expected: 'an amount of memory of at least 1Mi, such as "512Mi" or "2Gi"',
  schema: {
    anyOf: [
      { type: 'number', minimum: BYTES.Mi },
      { type: 'string', pattern: '^\\d+(\\.\\d+)?([kMGT]|[KMGT]i)?$' },
    ],
  },
  read: (value) => {
    const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([kMGT]|[KMGT]i)?$/.exec(quantity(value)) ?? [];
    const size = (Number(digits) * BYTES[unit as keyof typeof BYTES]) / BYTES.Mi;
    return size >= 1 ? size : undefined;
  },
};

/** How many, or which. */
export const gpus: ValueType<number | string | readonly (number | string)[]> = {
  expected: 'a number of GPUs, or a list of their ids',
  schema: {
    anyOf: [
      { type: 'integer', minimum: -1 },
      { type: 'string', minLength: 1 },
      { type: 'array', items: { type: ['integer', 'string'] } },
    ],
  },
  read: (value) => {
    const isId = (id: unknown) => integer(0).read(id) !== undefined || text.read(id) !== undefined;
    if (Array.isArray(value)) return value.every(isId) ? (value as readonly (number | string)[]) : undefined;
    return integer(-1).read(value) ?? text.read(value);
  },
};
