/** Where a service's APIs are and what they take, as its OpenAPI document says. */
import { EkibenError } from '@ekiben/spec';

/** How an API is called. */
export interface ClientRoute {
  /** @default 'POST' */
  readonly method?: string | undefined;
  /** Relative to the client's URL. @default the API's name */
  readonly path?: string | undefined;
  /** The media type of what it takes; '' for nothing, as under GET. @default 'application/json' */
  readonly mediaType?: string | undefined;
  /** The media types of the parts of a form, by name. */
  readonly parts?: Readonly<Record<string, string>> | undefined;
  /** The media type of the data of server-sent events that it answers. @default 'text/plain' */
  readonly dataType?: string | undefined;
}

export type Routes = Readonly<Partial<Record<string, ClientRoute>>>;

interface Media {
  readonly schema?: { readonly 'x-item-media-type'?: string };
  readonly encoding?: Readonly<Record<string, { readonly contentType: string }>>;
}

type Content = Readonly<Record<string, Media>>;

interface Operation {
  readonly 'x-bentoml-name'?: string;
  readonly requestBody?: { readonly content: Content };
  readonly responses?: Readonly<Record<string, { readonly content?: Content }>>;
}

/** @throws EKIBEN_CLIENT_UNEXPECTED_ANSWER when the document is none of a service */
export function routesOf(document: unknown, url: string): Routes {
  const { paths } = (document ?? {}) as {
    readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  if (typeof paths !== 'object') {
    const message = `${url} is no OpenAPI document; the client’s URL has to be that of a service, with its path prefix if it has one.`;
    throw new EkibenError('EKIBEN_CLIENT_UNEXPECTED_ANSWER', message);
  }
  const routes: Record<string, ClientRoute> = {};
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const name = operation['x-bentoml-name'];
      if (name !== undefined)
        routes[name] = { method: method.toUpperCase(), path, ...takenBy(operation), ...answeredBy(operation) };
    }
  }
  return routes;
}

function takenBy({ requestBody }: Operation): Pick<ClientRoute, 'mediaType' | 'parts'> {
  const [usual] = Object.entries(requestBody?.content ?? {});
  if (usual === undefined) return { mediaType: '' };
  const [mediaType, { encoding = {} }] = usual;
  const parts = Object.fromEntries(Object.entries(encoding).map(([part, { contentType }]) => [part, contentType]));
  return { mediaType, parts };
}

function answeredBy({ responses }: Operation): Pick<ClientRoute, 'dataType'> {
  const dataType = responses?.['200']?.content?.['text/event-stream']?.schema?.['x-item-media-type'];
  return dataType === undefined ? {} : { dataType };
}

/** @throws EKIBEN_API_NOT_FOUND */
export function routeOf(routes: Routes, name: string): ClientRoute {
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
  if (route !== undefined) return route;
  const names = Object.keys(routes).join(', ') || 'none';
  throw new EkibenError('EKIBEN_API_NOT_FOUND', `The service has no API '${name}' (it has: ${names}).`);
}
