/** What is counted of the requests of one path, or of the calls of one method. */
import { Buckets, DURATION_BUCKETS } from './buckets.ts';

export interface StatusCount {
  readonly status: number;
  /** In seconds. */
  readonly durations: Buckets;
}

export class RequestMeter {
  readonly endpoint: string;
  inProgress = 0;
  /** In the order in which they came up: mostly 200 and little else. */
  readonly statuses: StatusCount[] = [];

  readonly #bounds: readonly number[];

  /** @param bounds - of the durations, in seconds, rising */
  constructor(endpoint: string, bounds: readonly number[] = DURATION_BUCKETS) {
    this.endpoint = endpoint;
    this.#bounds = bounds;
  }

  begin(): void {
    this.inProgress += 1;
  }

  end(status: number, milliseconds: number): void {
    this.inProgress -= 1;
    this.#of(status).durations.add(milliseconds / 1000);
  }

  #of(status: number): StatusCount {
    const known = this.statuses.find((count) => count.status === status);
    if (known !== undefined) return known;
    const count: StatusCount = { status, durations: new Buckets(this.#bounds) };
    this.statuses.push(count);
    return count;
  }
}
