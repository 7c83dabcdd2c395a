/**
 * The Swagger UI at `/`. Express is loaded by the first visitor and serves nothing but these pages. All links are relative, so that
 * the pages work under any path prefix that a proxy strips.
 */
import type { Express, Request, Response } from 'express';
import type { Respond, SiteRoute } from '@ekiben/service';
import type { NodeExchange } from './node-exchange.ts';

/** The files of swagger-ui-dist that the page asks for; the rest of that package is nobody's business. */
const FILES = [
  '/swagger-ui.css',
  '/swagger-ui-bundle.js',
  '/swagger-ui-standalone-preset.js',
  '/swagger-ui-init.js',
  '/favicon-16x16.png',
  '/favicon-32x32.png',
];

export function docsUiRoutes(title: string): SiteRoute<NodeExchange>[] {
  let app: Promise<Express> | null = null;
  const respond: Respond<NodeExchange> =
    ({ request, response }) =>
    async (headers) => {
      const express = await (app ??= createApp(title));
      if (response.closed) return; // the visitor did not wait for Express to load
      headers?.forEach((value, name) => response.appendHeader(name, value));
      await new Promise<void>((resolve, reject) => {
        response.once('close', resolve);
        express(request as object as Request, response as Response, reject);
      });
    };
  return ['/', ...FILES].map((path) => ({ path, respond }));
}

async function createApp(title: string): Promise<Express> {
  const [{ default: express }, { default: swaggerUi }] = await Promise.all([
    import('express'),
    import('swagger-ui-express'),
  ]);
  const swaggerOptions = { url: './docs.json' };
  const app = express().disable('x-powered-by');
  // In this order: the static files include a page of their own under `/`.
  app.get('/', swaggerUi.setup(undefined, { swaggerOptions, customSiteTitle: title }));
  app.use(swaggerUi.serveFiles(undefined, { swaggerOptions }));
  return app;
}
