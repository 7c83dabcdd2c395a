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
  list(place: ListedPlace, facts: Facts): Listed<Facts>;
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

/** Where an item lies, as `list` shows it. */
export interface ListedPlace {
  /** `name:version` */
  readonly tag: string;
  readonly name: string;
  readonly version: string;
  /** Absolute path of its directory. */
  readonly path: string;
  /** Bytes of all its files. */
  readonly size: number;
}

export type Listed<Facts> = Facts & ListedPlace;

interface Timed {
  readonly tag: string;
  readonly creationTime: string;
}

/** Orders by creation time. Versions do not sort by themselves: BentoML's have their lowest time bits first. */
export function newestFirst<T extends Timed>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => compare(utc(b.creationTime), utc(a.creationTime)) || compare(a.tag, b.tag));
}

/** Whether `a` is the newer of two. */
export function isNewest(a: Timed, b: Timed): boolean {
  return newestFirst([a, b])[0] === a;
}

/** As texts these sort by time, to the microsecond; nearly all are written so. */
function utc(time: string): string {
  return time.endsWith('+00:00') ? time : new Date(time).toISOString().replace('Z', '000+00:00');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
