/** `svc.call`: an API as HTTP runs it, but over values instead of bytes. */
import { Cancellation } from '@ekiben/runners';
import { EkibenError } from '@ekiben/spec';
import { RequestContext } from './context.ts';
import { dispatcherOf } from './dispatch.ts';
import type { ServiceDefinition } from './dispatch.ts';
import type { Exchange } from './exchange.ts';
import { runMiddleware } from './middleware.ts';
import { requestIdOf } from './request-id.ts';
import type { Api } from './route.ts';

export async function callApi(service: ServiceDefinition, name: string, input: unknown): Promise<unknown> {
  const api = service.apis.find((candidate) => candidate.name === name);
  if (api === undefined) throw apiNotFound(service, name);
  const dispatcher = dispatcherOf(service);
  await dispatcher.start();
  const ctx = new RequestContext(exchangeFor(api), dispatcher.state);
  const respond = async () => {
    const value = await api.input.parse(input);
    return api.output.toWire(await dispatcher.enter(ctx, () => api.handler(value, ctx)));
  };
  const outcome = await runMiddleware(service.middleware, ctx, respond).finally(() => void ctx.usedTempDir?.remove());
  if ('value' in outcome) return outcome.value;
  throw new EkibenError('EKIBEN_MIDDLEWARE_ANSWERED', `A middleware answered ${name} with status ${outcome.status}.`, {
    details: { status: outcome.status },
  });
}

/** A request of which only the route is known. */
function exchangeFor({ method, path }: Api): Exchange {
  const never = new Cancellation();
  const noBody = () => {
    throw new TypeError('A call has no body.');
  };
  return {
    method,
    path,
    requestId: requestIdOf(undefined),
    length: 0,
    deadline: undefined,
    query: () => '',
    header: () => undefined,
    headers: () => new Headers(),
    signal: () => never,
    bytes: noBody,
    stream: noBody,
  };
}

function apiNotFound(service: ServiceDefinition, name: string): EkibenError {
  const names = service.apis.map((api) => api.name).join(', ') || 'none';
  return new EkibenError('EKIBEN_API_NOT_FOUND', `${service.name} has no API '${name}' (it has: ${names}).`);
}
