export { servingAdvice } from './advice.ts';
export type { AliasMove, Aliases } from './aliases.ts';
export type { ArchiveFormat } from './archive/format.ts';
export type { BentoEnv, BentoInfo, BentoNode } from './bento-manifest.ts';
export { bentos, BentoStore, type ImportedBento, type ListedBento, type StoredBento } from './bento-store.ts';
export type { Outcome } from './commit.ts';
export type { FileFault } from './digests.ts';
export type { Exported, ExportOptions } from './export.ts';
export { storeHome } from './home.ts';
export type { ImportOptions, ImportSource } from './import.ts';
export type { ItemInfo } from './kind.ts';
export { LARGE_BYTES, type ArchiveLimits } from './limits.ts';
export type { ModelContext, ModelInfo } from './model-manifest.ts';
export type { Model, StoredModel } from './model.ts';
export {
  models,
  ModelStore,
  type CreateOptions,
  type ImportedModel,
  type ListedModel,
  type ListFilter,
  type SaveOptions,
  type TagResolved,
} from './model-store.ts';
export type { Pruned } from './prune.ts';
export { nearest } from './nearest.ts';
export { formatTag, parseTag, requireNewTag, type Tag } from './tag.ts';
export type { TransferOptions } from './transfer.ts';
export type { HttpsOptions } from './transport/https.ts';
export type { ByteSource, ObjectTransport } from './transport/transport.ts';
export type { Verification } from './verify.ts';
export { newVersion, type NewVersion } from './version.ts';
