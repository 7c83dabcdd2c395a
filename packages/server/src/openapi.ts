/** The service as a document, for Swagger UI and others, and for BentoML's clients. */
import { bentomlSchema, openApi } from '@ekiben/service';
import type { Reply, ServiceDefinition, SiteRoute } from '@ekiben/service';
import type { NodeExchange } from './node-exchange.ts';

export function documentRoutes(service: ServiceDefinition, version: string): SiteRoute<NodeExchange>[] {
  return [
    documentRoute('/docs.json', () => openApi(service, version)),
    documentRoute('/schema.json', () => bentomlSchema(service)),
  ];
}

/** Made by the first who asks. */
function documentRoute(path: string, make: () => object): SiteRoute<NodeExchange> {
  let reply: Reply | null = null;
  const respond = () =>
    (reply ??= { status: 200, contentType: 'application/json', headers: null, body: JSON.stringify(make()) });
  return { path, respond };
}
