/** What a worker process is told when it starts, and what it says back. */
import { pathToFileURL } from 'node:url';
import { EkibenError } from '@ekiben/spec';
import type { BatchesRun } from './channels.ts';
import { coreOf } from './core.ts';
import type { RunnerCore } from './core.ts';
import type { AnyRunner, RunnerSettings } from './types.ts';

/** What a process is. */
export interface Bootstrap {
  /** The module that exports the service, and the name of the export: `/app/dist/service.js:svc`. */
  readonly target: string;
  readonly role: { readonly kind: 'api' } | { readonly kind: 'runner'; readonly name: string; readonly index: number };
  /** Tags resolved by whoever started this process, `{ 'm:latest': 'm:sizn5hxhsk3i4ax4' }`: no child resolves one by itself. */
  readonly pinnedTags: Readonly<Record<string, string>>;
  /** What a configuration says of the runner. */
  readonly settings?: RunnerSettings | undefined;
  readonly observer?: Observer | undefined;
}

/** What each worker process loads before the service, to watch what is published on diagnostics channels there. */
export interface Observer {
  /** The JavaScript file, which exports `observe(options, role)`; what that resolves to is called when the process ends. */
  readonly module: string;
  /** Plain data. */
  readonly options: unknown;
}

interface ObserverModule {
  readonly observe: (options: unknown, role: Bootstrap['role']) => Promise<() => Promise<void>>;
}

export async function startObserver({ observer, role }: Bootstrap): Promise<() => Promise<void>> {
  if (observer === undefined) return async () => {};
  const { observe } = (await import(pathToFileURL(observer.module).href)) as ObserverModule;
  return observe(observer.options, role);
}

/** What a worker process says when it is ready. */
export interface WorkerFacts {
  readonly socket: string;
  /** What a call takes by the runnable's own account, in ms. */
  readonly warmUpMs: number | null;
}

/** What a worker process says from time to time. */
export interface BatchNote {
  readonly batches: readonly BatchesRun[];
}

/** The environment variable in which `@ekiben/store` finds the pinned tags, as JSON. */
export const PINNED_TAGS_ENV = 'EKIBEN_PINNED_TAGS';

/** @throws EKIBEN_SERVICE_EXPORT_NOT_FOUND, EKIBEN_RUNNER_NOT_EXPORTED, and whatever the module throws */
export async function findRunner(target: string, name: string): Promise<RunnerCore> {
  const runners = await loadRunners(target);
  const cores = runners.map(coreOf);
  const found = cores.find((core) => core.definition.name === name);
  if (found !== undefined) return found;
  const names = cores.map((core) => core.definition.name).join(', ') || 'none';
  throw new EkibenError(
    'EKIBEN_RUNNER_NOT_EXPORTED',
    `${target} has no runner '${name}' (it has: ${names}). Give it to the exported Service in \`runners\`.`,
  );
}

async function loadRunners(target: string): Promise<readonly AnyRunner[]> {
  const colon = target.lastIndexOf(':');
  const [path, name] = [target.slice(0, colon), target.slice(colon + 1)];
  const module = (await import(pathToFileURL(path).href)) as Readonly<
    Record<string, { readonly runners?: unknown } | undefined>
  >;
  const runners = module[name]?.runners;
  if (Array.isArray(runners)) return runners as readonly AnyRunner[];
  throw new EkibenError('EKIBEN_SERVICE_EXPORT_NOT_FOUND', `${path} exports no Service under the name '${name}'.`);
}
