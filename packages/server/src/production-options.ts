import type { Supervision } from '@ekiben/runners';
import type { ServeOptions } from './serve.ts';

export interface ProductionOptions extends ServeOptions {
  /** The JavaScript file that exports the service: every process loads it. */
  readonly module: string;
  /** Under which name it does. @default the only Service that it exports */
  readonly exportName?: string | undefined;
  /** @default as many as the CPUs and the memory of the container allow, see {@link defaultApiWorkers} */
  readonly apiWorkers?: number | undefined;
  /** An API worker whose resident memory is larger is replaced, without losing a request. @default Infinity */
  readonly apiWorkerMemoryMiB?: number | undefined;
  /** How processes are watched and restarted; see `@ekiben/supervisor`. */
  readonly supervision?: Supervision | undefined;
  /**
   * Keeps a process that stands by, so that `reload` takes less time; it has imported the JavaScript file `imports`.
   * @default none
   */
  readonly standby?: { readonly imports?: string | undefined } | undefined;
  /** Whether a model that is saved is taken up by itself where the service asks for `latest`. @default false: only a moved alias */
  readonly followLatest?: boolean | undefined;
}
