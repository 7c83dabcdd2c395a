import type { Supervision } from '@ekiben/runners';
import type { ServeOptions } from './serve.ts';

/** Where a service is. */
export interface ServiceLocation {
  /** The JavaScript file that exports it: every process loads it. */
  readonly module: string;
  /** Under which name it does. @default the only Service that it exports */
  readonly exportName?: string | undefined;
  /** A JavaScript file that a process can import that stands by: what the module imports, and nothing of its own. @default none */
  readonly imports?: string | undefined;
}

export interface ProductionOptions extends Omit<ServeOptions, 'module'> {
  /**
   * The JavaScript file that exports the service: every process loads it. Or what finds it, and compiles it maybe: it is called whenever
   * everything is loaded anew, and processes start meanwhile.
   */
  readonly module: string | (() => Promise<ServiceLocation>);
  /** Under which name it does, where `module` is a file. @default the only Service that it exports */
  readonly exportName?: string | undefined;
  /** @default as many as the CPUs and the memory of the container allow, see {@link defaultApiWorkers} */
  readonly apiWorkers?: number | undefined;
  /** An API worker whose resident memory is larger is replaced, without losing a request. @default Infinity */
  readonly apiWorkerMemoryMiB?: number | undefined;
  /** How processes are watched and restarted; see `@ekiben/supervisor`. */
  readonly supervision?: Supervision | undefined;
  /** Whether processes stand by, so that `reload` takes less time. @default false */
  readonly standby?: boolean | undefined;
  /** Whether a model that is saved is taken up by itself where the service asks for `latest`. @default false: only a moved alias */
  readonly followLatest?: boolean | undefined;
}
