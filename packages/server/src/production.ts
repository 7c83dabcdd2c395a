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
import { ProductionMetrics } from './production-metrics.ts';
import type { ProductionOptions } from './production-options.ts';
import type { RunningServer } from './serve.ts';
import { TagWatch } from './tag-watch.ts';

export interface RunningProduction extends RunningServer {
  /**
   * Loads everything anew, with tags resolved again, in new processes beside the present ones, which finish and end when the new
   * ones are ready.
   * @param changes - where the service is now
   * @throws why a new one did not start; the present ones stay then
   */
  reload(changes?: ServiceLocation): Promise<void>;
  /** Ends every process at once. */
  kill(): void;
  /** Resolves, with the reason, when no API worker is left and none is started any more. */
  readonly down: Promise<Error>;
}

/** What of the options may change while it runs. */
export type ServiceLocation = Partial<Pick<ProductionOptions, 'module' | 'exportName' | 'standby'>>;

/** On the diagnostics channel `ekiben:server:generation`. */
export interface GenerationEvent {
  /** `refused`: a new one did not start, and the one before stays. */
  readonly event: 'started' | 'refused';
  /** What is served: tags as the code has them, and the versions they mean. Of the one that stays where one was refused. */
  readonly tags: Readonly<Record<string, string>>;
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
    down: production.down,
    reload: (changes) => production.reload(changes),
    close: () => production.close(),
    kill: () => production.kill(),
  };
}

class Production {
  readonly down: Promise<Error>;
  #options: GenerationOptions;
  readonly #metrics = new ProductionMetrics(() => this.#current?.workers.length ?? 0);
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

  constructor(options: ProductionOptions) {
    const { apiWorkers = defaultApiWorkers(), module } = options;
    this.#options = {
      ...options,
      apiWorkers,
      module: resolve(module),
      totals: this.#metrics,
      onChange: () => this.#changed(),
      scrape: () => this.#scrape(),
    };
    this.down = new Promise((goDown) => (this.#goDown = goDown));
  }

  /** Resolves with the address. */
  async open(options: AddressOptions): Promise<Address> {
    const bound = await this.#door.open(options);
    try {
      this.#takeOver(await this.#start());
      return bound;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** One after the other. */
  reload(changes: ServiceLocation = {}): Promise<void> {
    this.#replacing = this.#replacing.catch(() => {}).then(() => this.#replace(changes));
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
    this.#metrics.close();
  }

  async #collect(): Promise<void> {
    await Promise.all([...this.#alive].map((generation) => generation.collect()));
  }

  async #scrape(): Promise<string> {
    await this.#collect();
    return this.#metrics.text();
  }

  async #replace(changes: ServiceLocation): Promise<void> {
    const before = this.#current;
    if (before === null || this.#closing !== null) return;
    const { module = this.#options.module } = changes;
    this.#options = { ...this.#options, ...changes, module: resolve(module) };
    try {
      this.#takeOver(await this.#start());
    } catch (error) {
      this.#publish('refused', before, error as Error);
      throw error;
    }
    void before.close().then(() => this.#alive.delete(before));
  }

  async #start(): Promise<Generation> {
    const generation = this.#standby ?? this.#make();
    this.#standby = null;
    try {
      await generation.start(this.#options);
      return generation;
    } catch (error) {
      this.#alive.delete(generation);
      throw error;
    } finally {
      setTimeout(() => this.#standBy(), STANDBY_DELAY_MS).unref();
    }
  }

  #make(): Generation {
    const generation = new Generation(this.#options);
    this.#alive.add(generation);
    return generation;
  }

  #standBy(): void {
    if (this.#options.standby === undefined || this.#standby !== null || this.#closing !== null) return;
    this.#standby = this.#make();
    this.#standby.standBy();
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

  #publish(event: GenerationEvent['event'], { pinnedTags }: Generation, error?: Error): void {
    this.#metrics.generation(event);
    generations.publish({ event, tags: pinnedTags, error } satisfies GenerationEvent);
  }
}
