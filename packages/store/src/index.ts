export type { ArchiveLimits } from './limits.ts';
export type { ModelContext, ModelInfo } from './manifest.ts';
export type { Model, StoredModel } from './model.ts';
export { models, ModelStore, type ImportOptions, type ListFilter, type SaveOptions } from './model-store.ts';
export { storeHome } from './home.ts';
export { formatTag, parseTag, type Tag } from './tag.ts';
