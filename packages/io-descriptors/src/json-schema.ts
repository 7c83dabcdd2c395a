/** A JSON Schema as a value, and the TypeScript type of what it describes. */
export interface JsonSchema {
  readonly type?: string | undefined;
  readonly properties?: { readonly [name: string]: JsonSchema } | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: JsonSchema | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly [keyword: string]: unknown;
}

/** What a JSON Schema that is written as a literal lets through; `unknown` where it uses more than types, properties, items, enum. */
export type FromSchema<S> = S extends { readonly enum: readonly (infer E)[] }
  ? E
  : S extends { readonly type: 'string' }
    ? string
    : S extends { readonly type: 'integer' | 'number' }
      ? number
      : S extends { readonly type: 'boolean' }
        ? boolean
        : S extends { readonly type: 'array'; readonly items: infer I }
          ? FromSchema<I>[]
          : S extends { readonly properties: infer P }
            ? { [K in keyof P & RequiredKey<S>]: FromSchema<P[K]> } & {
                [K in Exclude<keyof P, RequiredKey<S>>]?: FromSchema<P[K]> | undefined;
              }
            : unknown;

type RequiredKey<S> = S extends { readonly required: readonly (infer R)[] } ? R : never;
