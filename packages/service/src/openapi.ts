/** A service as an OpenAPI 3.0 document, with the tags and operation ids that BentoML gives. */
import type { ServiceDefinition } from './dispatch.ts';
import type { Api } from './route.ts';

const APIS = 'Service APIs';
const INFRASTRUCTURE = 'Infrastructure';

const PROBLEM_SCHEMA = {
  type: 'object',
  title: 'Problem',
  description: 'What went wrong, as RFC 9457 says it.',
  required: ['type', 'title', 'status'],
  properties: {
    type: { type: 'string', description: 'urn:ekiben:error: and the code of the error, or about:blank' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    errors: {
      type: 'array',
      description: 'Everything wrong with the input',
      items: {
        type: 'object',
        required: ['pointer', 'message'],
        properties: {
          pointer: { type: 'string', description: 'JSON pointer (RFC 6901) to what is wrong' },
          message: { type: 'string' },
        },
      },
    },
  },
};

/** The paths that every service has, with BentoML's descriptions. */
const INFRASTRUCTURE_PATHS: Readonly<Record<string, string>> = {
  '/healthz': 'Health check endpoint, as <code>/livez</code>. <b>Deprecated</b> since Kubernetes v1.16.',
  '/livez': 'Health check endpoint for Kubernetes. A live server answers with status <code>200</code>.',
  '/readyz':
    'Answers with status <code>200</code> when the service is ready to accept traffic, and <code>503</code> while it is not.',
  '/metrics': 'Metrics in the text format of Prometheus.',
};

/** @param version - of the service */
export function openApi(service: ServiceDefinition, version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [path, description] of Object.entries(INFRASTRUCTURE_PATHS)) {
    paths[path] = {
      get: { tags: [INFRASTRUCTURE], description, responses: { 200: { description: 'Successful Response' } } },
    };
  }
  for (const api of service.apis) {
    paths[api.path] = { ...paths[api.path], [api.method.toLowerCase()]: operation(service.name, api) };
  }
  return {
    openapi: '3.0.3',
    info: { ...info(service), version },
    // Relative to this document, so that it holds behind any path prefix.
    servers: [{ url: '.' }],
    paths,
    tags: [
      { name: APIS, description: 'Inference APIs of the service.' },
      { name: INFRASTRUCTURE, description: 'Common infrastructure endpoints for observability.' },
    ],
    components: { schemas: { Problem: PROBLEM_SCHEMA } },
  };
}

function info({ name, docs = {} }: ServiceDefinition): object {
  const { title = name, description, contact } = docs;
  return { title, ...(description !== undefined && { description }), ...(contact !== undefined && { contact }) };
}

function operation(serviceName: string, { name, summary, description = '', input, output }: Api): object {
  const content = Object.fromEntries(input.mediaTypes.map((type) => [type, media(input, 'input', type)]));
  const [answered = ''] = output.contentType.split(';');
  const response = {
    description: 'Successful Response',
    content: { [answered]: media(output, 'output', answered) },
    ...bentoml(output),
  };
  return {
    tags: [APIS],
    operationId: `${serviceName}__${name}`,
    'x-bentoml-name': name,
    ...(summary !== undefined && { summary }),
    description,
    ...(input.mediaTypes.length > 0 && {
      requestBody: { required: input.mayBeEmpty !== true, content, ...bentoml(input) },
    }),
    responses: {
      200: response,
      400: problem('Bad Request'),
      413: problem('Content Too Large'),
      415: problem('Unsupported Media Type'),
      500: problem('Internal Server Error'),
      503: problem('Service Unavailable'),
    },
  };
}

/** By this the Python client of BentoML knows how to send and to read. */
const bentoml = ({ bentoml: spec }: Api['input']) => (spec === undefined ? {} : { 'x-bentoml-io-descriptor': spec });

function media(descriptor: Api['input'], side: 'input' | 'output', type: string): object {
  const schema = descriptor.jsonSchema(side, type);
  const { example, encoding, mediaTypes, contentType } = descriptor;
  const isUsual = type === (side === 'input' ? mediaTypes[0] : contentType.split(';')[0]);
  return {
    ...(schema !== undefined && { schema }),
    ...(isUsual && example !== undefined && { example }),
    ...(encoding !== undefined && { encoding }),
  };
}

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});
