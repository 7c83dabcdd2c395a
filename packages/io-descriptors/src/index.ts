export { collect } from './body.ts';
export type { Body, Descriptor, EncodedBody } from './descriptor.ts';
export { exampleFrom } from './example.ts';
export type { FromSchema, JsonSchema } from './json-schema.ts';
export { json } from './json.ts';
export type { JsonOptions } from './json.ts';
export { openApiSchema } from './openapi.ts';
export { DEFAULT_MAX_JSON_BYTES } from './limits.ts';
