export type { Bootstrap } from './bootstrap.ts';
export { callContext, withCallContext } from './call-context.ts';
export type { CallContext } from './call-context.ts';
export { usesCallContext } from './core.ts';
export { toRunner } from './runner.ts';
export { startRunners } from './start.ts';
export type { RunnerStatus, RunningRunners, StartOptions } from './start.ts';
export { runnerInfo } from './types.ts';
export type { AnyRunner, CallOptions, RunnableClass, Runner, RunnerMethod, RunnerOptions } from './types.ts';
