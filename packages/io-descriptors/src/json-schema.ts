/** A JSON Schema as a value, and the TypeScript type of what it describes. */
export interface JsonSchema {
  readonly type?: string | readonly string[] | undefined;
  readonly properties?: { readonly [name: string]: JsonSchema } | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: JsonSchema | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly [keyword: string]: unknown;
}

/**
 * What a JSON Schema that is written as a literal lets through. `unknown` where it uses more than types, properties, required, items,
 * enum and const.
 */
export type FromSchema<S> = S extends { readonly enum: readonly (infer E)[] }
  ? E
  : S extends { readonly const: infer C }
    ? C
    : S extends { readonly type: readonly (infer T)[] }
      ? FromOneType<S, T>
      : S extends { readonly type: 'string' }
        ? string
        : S extends { readonly type: 'integer' | 'number' }
          ? number
          : S extends { readonly type: 'boolean' }
            ? boolean
            : S extends { readonly type: 'null' }
              ? null
              : S extends { readonly type: 'array'; readonly items: infer I }
                ? FromSchema<I>[]
                : S extends { readonly properties: infer P }
                  ? { [K in keyof P & RequiredKey<S>]: FromSchema<P[K]> } & {
                      [K in Exclude<keyof P, RequiredKey<S>>]?: FromSchema<P[K]> | undefined;
                    }
                  : unknown;

type FromOneType<S, T> = T extends string ? FromSchema<Omit<S, 'type'> & { readonly type: T }> : never;

type RequiredKey<S> = S extends { readonly required: readonly (infer R)[] } ? R : never;

/** The part of `root` that a reference such as `#/$defs/Name` names; a schema that accepts anything when it names none. */
export function resolveReference(reference: string, root: JsonSchema): JsonSchema {
  let found: unknown = root;
  for (const key of reference.split('/').slice(1)) {
    const name = decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
    found = (found as Readonly<Record<string, unknown>> | undefined)?.[name];
  }
  return (found ?? {}) as JsonSchema;
}
