/** BentoML's three metrics of requests: once for the API server, once for the calls of runners. */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { BucketsHistogram } from './buckets.ts';
import type { Labels } from './buckets.ts';
import type { RequestMeter } from './request-meter.ts';

export interface RequestMetrics {
  /** What the names begin with. */
  readonly prefix: string;
  /** The words of BentoML's help texts. */
  readonly help: { readonly each: string; readonly all: string };
  /** Beside `endpoint` and `http_response_code`. */
  readonly labels: readonly string[];
  /** What was counted, with the values of these labels. */
  meters(): Iterable<readonly [RequestMeter, Labels]>;
}

export function registerRequests({ prefix, help, labels, meters }: RequestMetrics, registers: [Registry]): void {
  const endpointLabels = ['endpoint', ...labels];
  const labelNames = [...endpointLabels, 'http_response_code'];
  const statuses = () =>
    [...meters()].flatMap(([meter, labels]) =>
      meter.statuses.map(({ status, durations }) => {
        return [{ endpoint: meter.endpoint, http_response_code: status, ...labels }, durations] as const;
      }),
    );
  new BucketsHistogram(
    {
      name: `${prefix}_request_duration_seconds`,
      help: `${help.each} duration in seconds`,
      labelNames,
      registers,
    },
    statuses,
  );
  new Counter({
    name: `${prefix}_request_total`,
    help: `Total number of ${help.all}`,
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const [labels, { count }] of statuses()) this.inc(labels, count);
    },
  });
  new Gauge({
    name: `${prefix}_request_in_progress`,
    help: `Total number of ${help.all} in progress now`,
    labelNames: endpointLabels,
    registers,
    collect() {
      for (const [{ endpoint, inProgress }, labels] of meters()) this.set({ endpoint, ...labels }, inProgress);
    },
  });
}
