export type { Bootstrap, Observer } from './bootstrap.ts';
export { callContext, withCallContext } from './call-context.ts';
export type { CallContext, TraceContext } from './call-context.ts';
export { Cancellation, toAbortSignal } from './cancellation.ts';
export type { CancelSignal } from './cancellation.ts';
export type {
  BatchesRun,
  CallEnded,
  CallStarted,
  ComputeEnded,
  ComputeStarted,
  Tally,
  WorkerEvent,
} from './channels.ts';
export { usesCallContext } from './core.ts';
export type { Supervision, WorkerStatus } from './runner-workers.ts';
export { toRunner } from './runner.ts';
export { planRunners, startRunners, superviseRunners } from './start.ts';
export type { RunnerSockets, RunnerStatus, RunningRunners, StartOptions, SupervisedRunners } from './start.ts';
export type { RunnerPlaced, RunnerPlan, SuperviseOptions } from './supervise.ts';
export { runnerInfo } from './types.ts';
export type {
  AnyRunner,
  Batching,
  CallOptions,
  ClassOptions,
  Resources,
  RunnableClass,
  Runner,
  RunnerMethod,
  RunnerOptions,
  RunnerSettings,
} from './types.ts';
