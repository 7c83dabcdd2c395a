export type { Adapter, Call, Refusal } from './adapter.ts';
export { conformanceCases } from './cases.ts';
export type { CaseName, ConformanceCase } from './cases.ts';
