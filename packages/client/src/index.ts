export { client } from './client.ts';
export type { ClientRoute } from './routes.ts';
export type { Accepts, CallOptions, Client, ClientMethod, ClientOptions, StreamingMethod } from './types.ts';
