/**
 * All processes that serve one state of the world: API workers and the runner workers that they share, with one version of the code
 * and of every model. Something newer is a generation of its own, which takes over when it is ready, whole; so every answer comes from
 * one version.
 */
import { createRequire } from 'node:module';
import type { SupervisedRunners } from '@ekiben/runners';
import { EkibenError } from '@ekiben/spec';
import type { TagResolved } from '@ekiben/store';
import { Supervisor } from '@ekiben/supervisor';
import type { Child, SlotStatus } from '@ekiben/supervisor';
import { GRACE_MS, MAX_TIMER_MS, SCRAPE_TIMEOUT_MS, STOP_MARGIN_MS } from './limits.ts';
import type { ProductionMetrics } from './production-metrics.ts';
import type { ProductionOptions, ServiceLocation } from './production-options.ts';
import { NO_VERSION, siteOptions } from './site-options.ts';
import { METRICS, USER_METRICS } from './worker-messages.ts';
import { tracingObserver } from './tracing.ts';
import type { Plan, Task, WorkerNote, WorkerOrder } from './worker-messages.ts';

const ENTRY = createRequire(import.meta.url).resolve('@ekiben/server/api-worker');

export interface GenerationOptions extends Omit<ProductionOptions, 'module' | 'exportName'> {
  readonly apiWorkers: number;
  /** A worker, or its state, has changed. */
  onChange(): void;
  /** For the metrics of all generations. */
  scrape(): Promise<string>;
}

export class Generation {
  readonly #options: GenerationOptions;
  readonly #api: Supervisor;
  #started: Promise<void> | null = null;
  /** What those import that stand by. */
  #imports: string | undefined;
  /** What it serves, once that is known. */
  #location: ServiceLocation | null = null;
  #totals: ProductionMetrics | null = null;
  /** All that have said hello, those included that are still starting or on their way out. */
  readonly #workers = new Set<Child>();
  /** Resolves with what the first worker found out. */
  readonly #agreed: Promise<Plan>;
  #agree!: (plan: Plan) => void;
  #disagree!: (error: Error) => void;
  #plan: Plan | null = null;
  #runners: SupervisedRunners | null = null;
  #closed: Promise<void> | null = null;

  constructor(options: GenerationOptions) {
    const { apiWorkers, graceMs = GRACE_MS, apiWorkerMemoryMiB = Infinity, supervision, standby } = options;
    this.#options = options;
    this.#agreed = new Promise((resolve, reject) => {
      this.#agree = resolve;
      this.#disagree = reject;
    });
    this.#agreed.catch(() => {}); // heard in `start`
    this.#api = new Supervisor({
      ...supervision,
      // One that stands by is started when it is needed.
      ...(standby === true && { startTimeoutMs: MAX_TIMER_MS }),
      name: 'API worker',
      count: apiWorkers,
      stopTimeoutMs: graceMs + STOP_MARGIN_MS,
      maxMemoryBytes: apiWorkerMemoryMiB * 2 ** 20,
      command: () => ({ file: ENTRY }),
      onNote: (worker, note) => this.#hear(worker, note as WorkerNote),
      onEvent: (event) => this.#totals?.child(event),
      onAnswer: (worker, topic, answer) => this.#totals?.set(worker, topic, answer),
      onExit: (worker) => {
        this.#workers.delete(worker);
        this.#totals?.end(worker);
      },
      onChange: () => this.#changed(),
    });
  }

  /** Those that can be given connections. */
  get workers(): readonly Child[] {
    return this.#api.children;
  }

  /** What the tags meant when it started. */
  get tags(): readonly TagResolved[] {
    return this.#plan?.tags ?? [];
  }

  get pinnedTags(): Readonly<Record<string, string>> {
    // Where a tag was asked for twice, the first answer counts.
    return Object.fromEntries(this.tags.toReversed().map(({ tag, resolved }) => [tag, resolved]));
  }

  get apiStatus(): readonly SlotStatus[] {
    return this.#api.status();
  }

  get runnerNames(): readonly string[] {
    return this.#plan?.runners.map(({ name }) => name) ?? [];
  }

  /** Starts the API workers, which wait for `start`. @param imports - a module that they import meanwhile */
  standBy(imports?: string): void {
    this.#imports = imports;
    this.#started ??= this.#api.start();
  }

  /**
   * Resolves when every process is ready.
   * @throws why one cannot start; nothing is left running then
   */
  async start(location: ServiceLocation, totals: ProductionMetrics): Promise<void> {
    this.#location = location;
    this.#totals = totals;
    try {
      await this.#bringUp(location, totals);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Lets everything under way finish, then ends every process. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Asks every process for its metrics. */
  async collect(): Promise<void> {
    const asked = [METRICS, USER_METRICS].map((topic) => this.#api.ask(topic, SCRAPE_TIMEOUT_MS));
    await Promise.all([...asked, this.#runners?.ask(USER_METRICS, SCRAPE_TIMEOUT_MS)]);
  }

  /** Ends every process at once. */
  kill(): void {
    this.#api.kill();
    this.#runners?.kill();
  }

  async #bringUp({ module }: ServiceLocation, totals: ProductionMetrics): Promise<void> {
    this.standBy();
    for (const worker of this.#workers) this.#brief(worker);
    const [plan, { superviseRunners }] = await Promise.all([this.#agreed, import('@ekiben/runners')]);
    const { runners, supervision, tracing, version = NO_VERSION } = this.#options;
    totals.plan(plan, version);
    this.#runners = await superviseRunners(plan.runners, {
      module,
      exportName: plan.exportName,
      settings: runners,
      supervision,
      observer: tracingObserver(tracing, { service: plan.service, version }),
      pinnedTags: this.pinnedTags,
      onAnswer: (worker, topic, answer) => totals.set(worker, topic, answer),
      onExit: (worker) => totals.end(worker),
      onChange: () => this.#changed(),
    });
    const down = this.#runners.status().find(({ state }) => state === 'down');
    if (down !== undefined) throw down.workers.find(({ error }) => error !== null)?.error ?? notStarted(down.name);
    for (const worker of this.#workers) this.#tellRunners(worker);
    await this.#started;
    const failed = this.#api.status().find(({ state }) => state !== 'ready');
    if (failed !== undefined) throw failed.error ?? notStarted('API worker');
  }

  async #close(): Promise<void> {
    this.#disagree(new EkibenError('EKIBEN_NOT_READY', 'The server is shutting down.'));
    await this.#api.close();
    await this.#runners?.close();
  }

  #hear(worker: Child, note: WorkerNote): void {
    if (note.kind === 'hello') {
      this.#workers.add(worker);
      this.#brief(worker);
      if (this.#runners !== null) this.#tellRunners(worker);
    } else if (note.kind === 'plan') {
      this.#plan ??= note.plan;
      this.#agree(note.plan);
      for (const other of this.#workers) if (other !== worker) this.#brief(other);
    } else {
      void this.#options.scrape().then((text) => tell(worker, { kind: 'scraped', id: note.id, text }));
    }
  }

  /** Gives a worker its task. Those in other places than the first have none before it has found out what all have to agree on. */
  #brief(worker: Child): void {
    const location = this.#location;
    if (location !== null && (worker.slot === 0 || this.#plan !== null)) {
      tell(worker, { kind: 'task', task: this.#task(location) });
      return;
    }
    const imports = location?.imports ?? this.#imports;
    if (imports !== undefined) tell(worker, { kind: 'standby', imports });
  }

  #task({ module, exportName }: ServiceLocation): Task {
    const { runners, graceMs = GRACE_MS } = this.#options;
    const site = siteOptions(this.#options);
    const pinnedTags = this.#plan === null ? null : this.pinnedTags;
    return { module, exportName: this.#plan?.exportName ?? exportName, settings: runners, site, graceMs, pinnedTags };
  }

  #changed(): void {
    const [first] = this.#api.status();
    if (this.#plan === null && first?.state === 'down') this.#disagree(first.error ?? notStarted('API worker'));
    for (const worker of this.#workers) this.#tellRunners(worker);
    this.#options.onChange();
  }

  #tellRunners(worker: Child): void {
    if (this.#runners !== null) tell(worker, { kind: 'runners', sockets: this.#runners.sockets });
  }
}

function tell(worker: Child, order: WorkerOrder): void {
  worker.send(order);
}

const notStarted = (what: string) => new EkibenError('EKIBEN_CHILD_START_FAILED', `The process ${what} did not start.`);
