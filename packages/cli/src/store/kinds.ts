// The verbs of the store exist twice: for models under `models`, for bentos at the top. What differs between them.
import type { BentoStore, FileFault, ImportedBento, ImportOptions, ModelStore, Outcome } from '@ekiben/store';

export interface StoreKind {
  /** Before the verb in messages, as BentoML has it. */
  readonly group: 'models' | 'ekiben';
  /** What is typed before a verb. */
  readonly command: 'ekiben models' | 'ekiben';
  /** As in "delete model x?". */
  readonly noun: 'model' | 'bento';
  readonly nouns: 'models' | 'bentos';
  /** As in `Model(tag="x")`. */
  readonly title: 'Model' | 'Bento';
  readonly extension: 'bentomodel' | 'bento';
  /** A tag for the examples of the help. */
  readonly example: string;
  open(): Promise<AnyStore>;
  /** What has changed in an item by the digests that it carries in itself; undefined where it has none. */
  verifyInside?(tag: string): Promise<readonly FileFault[] | undefined>;
}

/** What both stores do. */
export interface AnyStore extends Pick<
  ModelStore | BentoStore,
  'alias' | 'aliases' | 'delete' | 'export' | 'prune' | 'removeAlias' | 'resolve' | 'rollback' | 'suggest' | 'verify'
> {
  list(filter: ListFilter): Promise<readonly ListedItem[]>;
  get(tag: string): Promise<{ readonly path: string; readonly document: Readonly<Record<string, unknown>> }>;
  import(from: string, options: ImportOptions): Promise<ImportedItem>;
}

interface ListFilter {
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Of models only. */
  readonly module?: string | undefined;
}

interface ImportedItem {
  readonly tag: string;
  readonly outcome: Outcome;
  /** Of bentos only. */
  readonly importedModels?: ImportedBento['importedModels'];
}

export interface ListedItem {
  readonly tag: string;
  readonly name: string;
  readonly version: string;
  /** Of models only. */
  readonly module?: string | undefined;
  /** Bytes. */
  readonly size: number;
  readonly creationTime: string;
  readonly path: string;
}

export const MODELS: StoreKind = {
  group: 'models',
  command: 'ekiben models',
  noun: 'model',
  nouns: 'models',
  title: 'Model',
  extension: 'bentomodel',
  example: 'credit_risk_model',
  open: async () => (await import('@ekiben/store')).models,
};

export const BENTOS: StoreKind = {
  group: 'ekiben',
  command: 'ekiben',
  noun: 'bento',
  nouns: 'bentos',
  title: 'Bento',
  extension: 'bento',
  example: 'credit_risk_classifier',
  open: async () => (await import('@ekiben/store')).bentos,
  async verifyInside(tag) {
    const [{ bentos }, { verifyBento }] = await Promise.all([
      import('@ekiben/store'),
      import('@ekiben/builder/verify'),
    ]);
    return verifyBento(await bentos.get(tag));
  },
};
