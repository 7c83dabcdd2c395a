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

/**
 * Nothing but what the page brings: it runs no script of others and is shown in no frame. Styles stand in the page that
 * swagger-ui-express makes, and pictures in Swagger UI's style sheet.
 */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
};

export function docsUiRoutes(title: string, securityHeaders: boolean): SiteRoute<NodeExchange>[] {
  let app: Promise<Express> | null = null;
  const respond: Respond<NodeExchange> =
    ({ request, response }) =>
    async (headers) => {
      const express = await (app ??= createApp(title));
      if (response.closed) return; // the visitor did not wait for Express to load
      if (securityHeaders)
        for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
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
