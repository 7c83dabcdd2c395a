/** What the supervisor itself counts, and the sum of what all processes count. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { ChildEvent } from '@ekiben/supervisor';
import { MetricSum } from './metric-sum.ts';
import type { Snapshot } from './metric-sum.ts';
import { registerProcess } from './process-metrics.ts';
import { countRunners } from './runner-metrics.ts';
import type { Plan } from './worker-messages.ts';

export class ProductionMetrics {
  readonly #sum = new MetricSum();
  readonly #registry = new Registry();
  /** Of all generations. */
  readonly #runners: string[] = [];
  readonly #restarts: Counter;
  readonly #generations: Counter;
  #forgetRunners: (() => void) | null = null;

  /** @param apiWorkers - how many are ready */
  constructor(apiWorkers: () => number) {
    const registers: [Registry] = [this.#registry];
    registerProcess(registers);
    this.#restarts = new Counter({
      name: 'ekiben_api_server_restarts_total',
      help: 'Total number of API workers that were replaced by a new one',
      labelNames: ['reason'],
      registers,
    });
    this.#generations = new Counter({
      name: 'ekiben_generations_total',
      help: 'Total number of times that everything was loaded, by whether it took over',
      labelNames: ['outcome'],
      registers,
    });
    new Gauge({
      name: 'ekiben_api_server_workers',
      help: 'Number of API workers that are ready',
      registers,
      collect() {
        this.set(apiWorkers());
      },
    });
  }

  /** Counts what the runner workers of this generation tell of themselves. */
  plan({ service, runners }: Plan, version: string): void {
    this.#runners.push(...runners.map(({ name }) => name).filter((name) => !this.#runners.includes(name)));
    const labels = { service_name: service, service_version: version };
    this.#forgetRunners ??= countRunners([this.#registry], labels, this.#runners);
  }

  generation(outcome: 'started' | 'refused'): void {
    this.#generations.inc({ outcome });
  }

  /** Of an API worker. One that hangs is killed, which is no second reason. */
  child({ event }: ChildEvent): void {
    if (event !== 'ready' && event !== 'down' && event !== 'unresponsive') this.#restarts.inc({ reason: event });
  }

  /** What a process has answered; undefined if it has nothing to tell. */
  set(process: object, topic: string, answer: unknown): void {
    if (answer !== undefined && answer !== null) this.#sum.set(process, topic, answer as Snapshot);
  }

  end(process: object): void {
    this.#sum.end(process);
  }

  async text(): Promise<string> {
    this.#sum.set(this, 'supervisor', await this.#registry.getMetricsAsJSON());
    return this.#sum.text();
  }

  close(): void {
    this.#forgetRunners?.();
  }
}
