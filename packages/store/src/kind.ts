// What tells the model store and the bento store apart; all else they share.
import type { ErrorCode } from '@ekiben/spec';

/** What every manifest says. */
export interface ItemInfo {
  /** `name:version` */
  readonly tag: string;
  readonly name: string;
  readonly version: string;
  /** ISO 8601 with offset, to the microsecond, as BentoML writes it. */
  readonly creationTime: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The whole manifest as the file has it. */
  readonly document: Readonly<Record<string, unknown>>;
}

/**
 * @typeParam Info - all that the manifest says
 * @typeParam Facts - what of it `list` shows, kept in the index as JSON
 */
export interface ItemKind<Info extends ItemInfo, Facts extends ItemFacts> {
  /** The directory in the home. */
  readonly directory: 'models' | 'bentos';
  /** As BentoML's messages call it. */
  readonly noun: 'Model' | 'Bento';
  readonly manifest: string;
  /** Of its native archives, which are tar.xz. */
  readonly extension: 'bentomodel' | 'bento';
  readonly notFound: ErrorCode;
  /** What shows the user what there is. */
  readonly listCommand: string;
  /** @throws EKIBEN_MANIFEST_INVALID */
  read(text: string, where: string): Promise<Info>;
  facts(info: Info): Facts;
}

export interface ItemFacts {
  readonly creationTime: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An item of the store, and where it lies. */
export type Stored<Info> = Info & {
  /** Absolute path of its directory. */
  readonly path: string;
};

/** An item as `list` shows it. */
export type Listed<Facts> = Facts & {
  /** `name:version` */
  readonly tag: string;
  readonly name: string;
  readonly version: string;
  /** Absolute path of its directory. */
  readonly path: string;
  /** Bytes of all its files. */
  readonly size: number;
};

/**
 * Orders by creation time, newest first. Versions do not sort by themselves: BentoML's have their lowest time bits first.
 */
export function newestFirst<T extends { readonly tag: string; readonly creationTime: string }>(
  items: readonly T[],
): T[] {
  const timed = items.map((item) => ({ item, ms: Date.parse(item.creationTime) }));
  timed.sort(
    (a, b) => b.ms - a.ms || compare(b.item.creationTime, a.item.creationTime) || compare(a.item.tag, b.item.tag),
  );
  return timed.map(({ item }) => item);
}

/** Whether `a` is the newer of two, or as new. */
export function isNewest(
  a: { readonly tag: string; readonly creationTime: string },
  b: { readonly tag: string; readonly creationTime: string },
): boolean {
  return newestFirst([a, b])[0] === a;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
