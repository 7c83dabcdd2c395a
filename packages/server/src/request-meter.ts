/** What is counted of the requests of one path. Plain numbers: Prometheus reads them when it comes, a request only adds. */

/** BentoML's buckets, in seconds. */
export const DURATION_BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

export interface StatusCount {
  readonly status: number;
  requests: number;
  /** Of all durations, in seconds. */
  seconds: number;
  /** Requests by duration, one more than there are buckets; not cumulative. */
  readonly buckets: number[];
}

export class RequestMeter {
  readonly endpoint: string;
  inProgress = 0;
  /** In the order in which they came up: mostly 200 and little else. */
  readonly statuses: StatusCount[] = [];

  constructor(endpoint: string) {
    this.endpoint = endpoint;
  }

  count(status: number, seconds: number): void {
    const count = this.#of(status);
    count.requests += 1;
    count.seconds += seconds;
    let bucket = 0;
    while (bucket < DURATION_BUCKETS.length && seconds > (DURATION_BUCKETS[bucket] as number)) bucket += 1;
    count.buckets[bucket] = (count.buckets[bucket] as number) + 1;
  }

  #of(status: number): StatusCount {
    const known = this.statuses.find((count) => count.status === status);
    if (known !== undefined) return known;
    const buckets = [...DURATION_BUCKETS, Infinity].map(() => 0);
    const count: StatusCount = { status, requests: 0, seconds: 0, buckets };
    this.statuses.push(count);
    return count;
  }
}
