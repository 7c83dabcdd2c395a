/** `serve --production`: API workers and runner workers under one supervisor, which loads no model and answers no request itself. */
import { channel } from 'node:diagnostics_channel';
import { resolve } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import { defaultApiWorkers } from './api-workers.ts';
import type { Address, AddressOptions } from './bind.ts';
import { FrontDoor } from './front-door.ts';
import { Generation } from './generation.ts';
import type { GenerationOptions } from './generation.ts';
import { COLLECT_MS, STANDBY_DELAY_MS } from './limits.ts';
import type { ProductionMetrics } from './production-metrics.ts';
import type { ProductionOptions, ServiceLocation } from './production-options.ts';
import type { RunningServer } from './serve.ts';
import { TagWatch } from './tag-watch.ts';

export interface RunningProduction extends RunningServer {
  /**
   * Loads everything anew, with tags resolved again, in new processes beside the present ones, which finish and end when the new
   * ones are ready.
   * @throws why a new one did not start; the present ones stay then
   */
  reload(): Promise<void>;
  readonly apiWorkers: number;
  /** Ends every process at once. */
  kill(): void;
  /** Resolves, with the reason, when no API worker is left and none is started any more. */
  readonly down: Promise<Error>;
}

/** On the diagnostics channel `ekiben:server:generation`. */
export interface GenerationEvent {
  /** `refused`: a new one did not start, and the one before stays. */
  readonly event: 'started' | 'refused';
  /** What is served: tags as the code has them, and the versions they mean. Of the one that stays where one was refused. */
  readonly tags: Readonly<Record<string, string>>;
  /** The names of the service's runners. */
  readonly runners: readonly string[];
  readonly error?: Error | undefined;
}

const generations = channel('ekiben:server:generation');

/**
 * Serves the service of a module in processes of their own. Resolves when it is ready. A moved alias of a model (`models alias`,
 * `models rollback`) is taken up by itself, as `reload` would.
 * @throws EKIBEN_PORT_IN_USE, EKIBEN_LISTEN_FAILED, EKIBEN_SERVICE_NOT_FOUND, and why a process did not start; nothing is left running
 *   then
 */
export async function serveProduction(options: ProductionOptions): Promise<RunningProduction> {
  const production = new Production(options);
  const address = await production.open(options);
  return {
    ...address,
    apiWorkers: production.apiWorkers,
    down: production.down,
    reload: () => production.reload(),
    close: () => production.close(),
    kill: () => production.kill(),
  };
}

class Production {
  readonly down: Promise<Error>;
  readonly #options: GenerationOptions;
  readonly #locate: () => Promise<ServiceLocation>;
  /** Loaded while processes start. */
  readonly #metrics: Promise<ProductionMetrics>;
  readonly #collecting = setInterval(() => void this.#collect(), COLLECT_MS).unref();
  readonly #door = new FrontDoor(() => this.#current?.workers ?? []);
  /** All that have processes: the one that serves, one that starts, and those that finish. */
  readonly #alive = new Set<Generation>();
  #current: Generation | null = null;
  #standby: Generation | null = null;
  #watch: TagWatch | null = null;
  #replacing: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;
  #goDown!: (error: Error) => void;

  constructor({ module, exportName, ...options }: ProductionOptions) {
    const { apiWorkers = defaultApiWorkers() } = options;
    this.#options = { ...options, apiWorkers, onChange: () => this.#changed(), scrape: () => this.#scrape() };
    this.#locate = typeof module === 'string' ? async () => ({ module: resolve(module), exportName }) : module;
    this.down = new Promise((goDown) => (this.#goDown = goDown));
    this.#standby = this.#make();
    this.#standby.standBy();
    this.#metrics = this.#loadMetrics();
  }

  get apiWorkers(): number {
    return this.#options.apiWorkers;
  }

  /** Resolves with the address. */
  async open(options: AddressOptions): Promise<Address> {
    const started = this.#start();
    started.catch(() => {}); // heard below, if the door opens
    try {
      const bound = await this.#door.open(options);
      this.#takeOver(await started);
      return bound;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** One after the other. */
  reload(): Promise<void> {
    this.#replacing = this.#replacing.catch(() => {}).then(() => this.#replace());
    return this.#replacing;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  kill(): void {
    for (const generation of this.#alive) generation.kill();
    void this.close();
  }

  async #close(): Promise<void> {
    this.#watch?.close();
    this.#door.close();
    await Promise.all([...this.#alive].map((generation) => generation.close()));
    clearInterval(this.#collecting);
    (await this.#metrics).close();
  }

  async #loadMetrics(): Promise<ProductionMetrics> {
    const { ProductionMetrics } = await import('./production-metrics.ts');
    return new ProductionMetrics(() => this.#current?.workers.length ?? 0);
  }

  async #collect(): Promise<void> {
    await Promise.all([...this.#alive].map((generation) => generation.collect()));
  }

  async #scrape(): Promise<string> {
    await this.#collect();
    return (await this.#metrics).text();
  }

  async #replace(): Promise<void> {
    const before = this.#current;
    if (before === null || this.#closing !== null) return;
    try {
      this.#takeOver(await this.#start());
    } catch (error) {
      this.#publish('refused', before, error as Error);
      throw error;
    }
    void this.#discard(before);
  }

  async #start(): Promise<Generation> {
    const generation = this.#standby ?? this.#make();
    this.#standby = null;
    generation.standBy();
    let location: ServiceLocation;
    try {
      location = await this.#locate();
    } catch (error) {
      if (this.#options.standby === true) this.#standby = generation;
      else await this.#discard(generation);
      throw error;
    }
    try {
      await generation.start(location, await this.#metrics);
      return generation;
    } catch (error) {
      await this.#discard(generation);
      throw error;
    } finally {
      setTimeout(() => this.#standBy(location.imports), STANDBY_DELAY_MS).unref();
    }
  }

  async #discard(generation: Generation): Promise<void> {
    await generation.close();
    this.#alive.delete(generation);
  }

  #make(): Generation {
    const generation = new Generation(this.#options);
    this.#alive.add(generation);
    return generation;
  }

  #standBy(imports: string | undefined): void {
    if (this.#options.standby !== true || this.#standby !== null || this.#closing !== null) return;
    this.#standby = this.#make();
    this.#standby.standBy(imports);
  }

  #takeOver(generation: Generation): void {
    this.#current = generation;
    this.#door.admitWaiting();
    this.#watch?.close();
    this.#watch = new TagWatch(
      generation.tags,
      this.#options.followLatest === true,
      () => void this.reload().catch(() => {}),
    ); // published
    this.#publish('started', generation);
  }

  #changed(): void {
    this.#door.admitWaiting();
    const status = this.#current?.apiStatus ?? [];
    const [first] = status;
    if (first === undefined || status.some(({ state }) => state !== 'down')) return;
    this.#goDown(first.error ?? new EkibenError('EKIBEN_CHILD_START_FAILED', 'No API worker is left.'));
  }

  #publish(event: GenerationEvent['event'], { pinnedTags, runnerNames }: Generation, error?: Error): void {
    void this.#metrics.then((metrics) => metrics.generation(event));
    generations.publish({ event, tags: pinnedTags, runners: runnerNames, error } satisfies GenerationEvent);
  }
}
