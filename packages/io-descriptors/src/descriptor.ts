import type { JsonSchema } from './json-schema.ts';

/** A request or response body: whole, or as it comes. */
export type Body = Uint8Array | AsyncIterable<Uint8Array>;

/** What `encode` makes. A string is UTF-8, and the fastest: `node:http` writes head and body of it at once. */
export type EncodedBody = string | Body;

/** A body with its `Content-Type`. */
export interface TypedBody {
  readonly contentType: string;
  readonly body: EncodedBody;
}

/**
 * Bytes to a typed, validated value and back. One descriptor describes what an API reads, another what it answers.
 *
 * @typeParam Wire - what the client sends or gets, as a JavaScript value
 * @typeParam Value - what the handler gets or returns; differs from `Wire` where a schema transforms
 */
export interface Descriptor<Wire, Value> {
  /** The media types that `decode` reads, for documentation; the first is the usual one. Empty: it reads no body, as `noBody` does. */
  readonly mediaTypes: readonly string[];
  /** The `Content-Type` of what `encode` makes. */
  readonly contentType: string;
  /** The largest body, in bytes, that `decode` takes. Who reads the body should refuse a longer one before reading it. */
  readonly maxBytes: number;
  /**
   * Refuses what `decode` would refuse for its `Content-Type`, so that the body need not be read for that. @default nothing
   * @throws EKIBEN_UNSUPPORTED_MEDIA_TYPE
   */
  readonly checkType?: ((contentType: string | undefined) => void) | undefined;
  /**
   * Reads and validates. Throws, or rejects; returns no promise where none is needed.
   *
   * @param contentType - the request's `Content-Type`, if it has one
   * @param filename - what the client calls the file, where the body is a part of a form and says so
   * @throws EKIBEN_UNSUPPORTED_MEDIA_TYPE, EKIBEN_BODY_TOO_LARGE
   * @throws EKIBEN_INVALID_INPUT with every fault in `details.errors`
   */
  decode(body: Body, contentType: string | undefined, filename?: string): Value | Promise<Value>;
  /**
   * `decode` without bytes, for a call inside the process.
   * @throws EKIBEN_INVALID_INPUT
   */
  parse(value: unknown): Value | Promise<Value>;
  /**
   * Validates what a handler returned and makes bytes of it.
   *
   * A property and not a method, so that it is checked contravariantly: a handler cannot widen `Value`.
   *
   * @throws EKIBEN_INVALID_OUTPUT
   */
  readonly encode: (value: Value) => EncodedBody | Promise<EncodedBody>;
  /**
   * `encode` where the `Content-Type` is another from answer to answer, as with the boundary of a form, which no content may hold and
   * so nobody may know before. @default `encode` with `contentType`
   */
  encodeTyped?(value: Value): Promise<TypedBody>;
  /**
   * `encode` without bytes: what the client would get.
   * @throws EKIBEN_INVALID_OUTPUT
   */
  readonly toWire: (value: Value) => Wire | Promise<Wire>;
  /**
   * The schema of what a client sends (`input`) or gets (`output`), for an OpenAPI 3.0 document: in its dialect, and without
   * references. `undefined` when there is none to be had.
   *
   * @param mediaType - in which the body comes, without parameters. @default the usual one
   */
  jsonSchema(side: 'input' | 'output', mediaType?: string): JsonSchema | undefined;
  /** A value that the documentation shows, as a client would send it in the usual media type. */
  readonly example: unknown;
  /** Whether a body of no bytes is a value, such as an empty text or file; then a request may have none. @default false */
  readonly mayBeEmpty?: boolean | undefined;
  /** Whether a decoded value is read from the body as the handler goes along, so that nothing can follow it in a form. @default false */
  readonly streams?: boolean | undefined;
  /** BentoML's descriptor that does the same, as its Python client makes one of it. @default none does */
  readonly bentoml?: BentomlDescriptor | undefined;
  /** What a value is called as a file, where it is a part of a form that goes out. */
  filename?(value: Value): string | undefined;
  /** The media type of each part of a form, as OpenAPI's `encoding` has it. */
  readonly encoding?: Readonly<Record<string, { readonly contentType: string }>> | undefined;
}

/** As `to_spec` of a BentoML descriptor has it. */
export interface BentomlDescriptor {
  /** Such as `bentoml.io.NumpyNdarray`. */
  readonly id: string;
  /** The keyword arguments of its class. */
  readonly args?: Readonly<Record<string, unknown>> | undefined;
}
