/** The life-cycle routes of BentoML. Probes carry no credentials, so no middleware guards them; they tell nothing but up or down. */
import { EkibenError } from '@ekiben/spec';
import type { RunningRunners } from '@ekiben/runners';
import type { Reply, SiteRoute } from '@ekiben/service';
import type { NodeExchange } from './node-exchange.ts';

const OK: Reply = Object.freeze({ status: 200, contentType: 'text/plain; charset=utf-8', headers: null, body: '\n' });

/** @param runners - null: whether they are up does not matter */
export function healthRoutes(runners: RunningRunners | null, isDraining: () => boolean): SiteRoute<NodeExchange>[] {
  const ready = () => {
    if (isDraining()) throw new EkibenError('EKIBEN_NOT_READY', 'The server is shutting down.');
    const down = (runners?.status() ?? []).filter(({ state }) => state !== 'ready');
    if (down.length === 0) return OK;
    const names = down.map(({ name }) => name).join(', ');
    throw new EkibenError('EKIBEN_NOT_READY', `Not ready: runner ${names} is down.`);
  };
  return [
    { path: '/livez', guarded: false, respond: () => OK },
    { path: '/readyz', guarded: false, respond: ready },
    // BentoML's older name for /livez.
    { path: '/healthz', guarded: false, respond: () => OK },
  ];
}
