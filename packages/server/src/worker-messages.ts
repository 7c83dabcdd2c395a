/** What the API workers of a generation and their supervisor tell each other. */
import type { RunnerPlan, RunnerSettings, RunnerSockets } from '@ekiben/runners';
import type { TagResolved } from '@ekiben/store';
import type { SiteOptions } from './site-options.ts';

/** What an API worker is for. */
export interface Task {
  readonly module: string;
  /** Undefined: the only Service that the module exports. */
  readonly exportName: string | undefined;
  readonly settings: Readonly<Record<string, RunnerSettings>> | undefined;
  readonly site: SiteOptions;
  readonly graceMs: number;
  /** Null for the first of a generation, which resolves the tags for all. */
  readonly pinnedTags: Readonly<Record<string, string>> | null;
}

/** What the first worker of a generation found out. */
export interface Plan {
  readonly service: string;
  readonly exportName: string;
  readonly runners: readonly RunnerPlan[];
  readonly tags: readonly TagResolved[];
}

/** What the supervisor asks an API worker for: its metrics. */
export const METRICS = 'metrics';

/** What it asks every worker for: those of the service's own. */
export const USER_METRICS = 'user metrics';

export type WorkerNote =
  /** It runs, and asks for its task. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'plan'; readonly plan: Plan }
  /** Somebody wants to see the metrics of all processes. */
  | { readonly kind: 'scrape'; readonly id: number };

export type WorkerOrder =
  /** There is no task yet: imports in the meantime what the next one will need. */
  | { readonly kind: 'standby'; readonly imports: string }
  | { readonly kind: 'task'; readonly task: Task }
  /** Where the runners are that compute in processes of their own. */
  | { readonly kind: 'runners'; readonly sockets: RunnerSockets }
  | { readonly kind: 'scraped'; readonly id: number; readonly text: string };
