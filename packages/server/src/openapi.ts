import { openApi } from '@ekiben/service';
import type { Reply, ServiceDefinition, SiteRoute } from '@ekiben/service';
import type { NodeExchange } from './node-exchange.ts';

/** `/docs.json`, made by the first who asks. */
export function openApiRoute(service: ServiceDefinition, version: string): SiteRoute<NodeExchange> {
  let reply: Reply | null = null;
  const make = () => JSON.stringify(openApi(service, version));
  return {
    path: '/docs.json',
    respond: () => (reply ??= { status: 200, contentType: 'application/json', headers: null, body: make() }),
  };
}
