export { binary } from './binary.ts';
export type { BinaryOptions } from './binary.ts';
export { collect } from './body.ts';
export type { Cell, Column, Columns, Row } from './columns.ts';
export { dataFrame } from './data-frame.ts';
export type { DataFrameOptions, DataFrameWire } from './data-frame.ts';
export type { BentomlDescriptor, Body, Descriptor, EncodedBody, TypedBody } from './descriptor.ts';
export { exampleFrom } from './example.ts';
export { refusedInput, refusedOutput } from './faults.ts';
export { file } from './file.ts';
export type { FileData, FileInfo, FileOptions, FileStream } from './file.ts';
export { fromSample } from './from-sample.ts';
export type { FromSchema, JsonSchema } from './json-schema.ts';
export { json } from './json.ts';
export type { JsonOptions } from './json.ts';
export { multipart, optional, repeated } from './multipart.ts';
export type { OptionalPart, Parts, RepeatedPart } from './form-fields.ts';
export type { FormValue, FormWire, MultipartOptions } from './multipart.ts';
export { ndarray } from './ndarray.ts';
export type { NdarrayOptions, NdarrayWire } from './ndarray.ts';
export { noBody } from './no-body.ts';
export { openApiSchema } from './openapi.ts';
export { series } from './series.ts';
export type { SeriesOptions } from './series.ts';
export { eventStream, ndjson, textStream } from './streams.ts';
export type { NdjsonOptions, ServerSentEvent, StreamOptions, TextStreamOptions } from './streams.ts';
export type { Table, TableFormat, TypedTable } from './table.ts';
export type { Orient } from './table-json.ts';
export { text } from './text.ts';
export type { TextOptions } from './text.ts';
export {
  DEFAULT_MAX_BYTES,
  DEFAULT_MAX_FILE_BYTES,
  DEFAULT_MAX_JSON_BYTES,
  DEFAULT_MAX_STREAM_BYTES,
  DEFAULT_MAX_TEXT_BYTES,
} from './limits.ts';
