/** What `bentoml.SyncHTTPClient` of 1.2 and later asks for; its older client reads the OpenAPI document. */
import type { ServiceDefinition } from './dispatch.ts';
import type { JsonSchema } from '@ekiben/io-descriptors';
import type { AnyDescriptor, Api } from './route.ts';

type Side = 'input' | 'output';

/** Without parameters; the usual one of several. */
const mediaTypeOf = ({ mediaTypes, contentType }: AnyDescriptor, side: Side) =>
  (side === 'input' ? mediaTypes[0] : contentType.split(';')[0]) ?? '';

/** `/schema.json`. */
export function bentomlSchema({ name, apis }: ServiceDefinition): object {
  // These clients know no other method.
  const posted = apis.filter(({ method }) => method === 'POST');
  return {
    name,
    type: 'service',
    routes: posted.map(routeOf),
    paths: Object.fromEntries(posted.map(({ path }) => [path, { mounted: false }])),
  };
}

function routeOf({ name, path, description, input, output }: Api): object {
  return {
    name,
    route: path,
    doc: description ?? null,
    batchable: false,
    input: inputSchema(input),
    output: outputSchema(output),
    is_task: false,
  };
}

/** An object's properties are the arguments of a call; anything else is its only one. */
function inputSchema(input: AnyDescriptor): object {
  if (input.mediaTypes.length === 0) return { type: 'object', properties: {} };
  const type = mediaTypeOf(input, 'input');
  const schema = input.jsonSchema('input', type) ?? {};
  const isText = type === 'application/json' || type.startsWith('text/');
  if (!isText && type !== 'multipart/form-data') return { type: 'file', format: 'binary', root_input: true };
  const { properties } = schema;
  if (properties === undefined) return { ...schema, root_input: true };
  return { ...schema, properties: Object.fromEntries(Object.entries(properties).map(asFile)) };
}

const asFile = ([name, schema]: readonly [string, JsonSchema]) =>
  [name, schema['format'] === 'binary' ? { ...schema, type: 'file' } : schema] as const;

function outputSchema(output: AnyDescriptor): object {
  const type = mediaTypeOf(output, 'output');
  if (type === 'application/json') return output.jsonSchema('output', type) ?? {};
  const isStream = output.streams === true || type === 'text/event-stream';
  return {
    type: 'string',
    ...(!type.startsWith('text/') && { format: 'binary' }),
    ...(isStream && { is_stream: true }),
  };
}
