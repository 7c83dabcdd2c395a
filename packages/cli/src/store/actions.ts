// What the verbs of the store do, once they are called.
import { EkibenError } from '@ekiben/spec';
import { formatTag, LARGE_BYTES, parseTag, type Aliases, type ArchiveLimits, type Verification } from '@ekiben/store';

import { askQuestions } from './confirm.ts';
import type { AnyStore, ListedItem, StoreKind } from './kinds.ts';
import { showProgress } from './progress.ts';
import { formatTable } from './table.ts';
import { humanSize, localTime, printable, underHome } from './values.ts';

type Action<Arguments extends readonly unknown[]> = (kind: StoreKind, ...values: Arguments) => Promise<void>;

export interface Quiet {
  readonly quiet?: boolean | undefined;
}

export interface ListOptions {
  readonly output: 'json' | 'yaml' | 'table';
  readonly label?: Readonly<Record<string, string>> | undefined;
  readonly module?: string | undefined;
}

export const list: Action<[name: string | undefined, options: ListOptions]> = async (kind, name, options) => {
  const store = await kind.open();
  const items = await store.list({ name, labels: options.label, module: options.module });
  // Unknown names are an error; a filter that finds nothing is not.
  if (items.length === 0 && name !== undefined) await store.resolve(name);
  const rows = items.map((item) => row(kind, item));
  if (options.output === 'json') return print(JSON.stringify(rows, null, 2));
  if (options.output === 'yaml') return print(await toYaml(rows, true));
  const header =
    kind.noun === 'model' ? ['Tag', 'Module', 'Size', 'Creation Time'] : ['Tag', 'Size', 'Creation Time', 'Path'];
  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  print(
    formatTable(
      header,
      rows.map((each) => Object.values(each)),
      width,
    ),
  );
};

/** The columns, in the order of the table. */
function row({ noun }: StoreKind, { tag, module = '', size, creationTime, path }: ListedItem): Record<string, string> {
  if (noun === 'model') return { tag, module, size: humanSize(size), creation_time: localTime(creationTime) };
  return { tag, size: humanSize(size), creation_time: localTime(creationTime), path: underHome(path) };
}

export const get: Action<[tag: string, options: { readonly output: 'json' | 'yaml' | 'path' }]> = async (
  kind,
  tag,
  { output },
) => {
  const { path, document } = await (await kind.open()).get(tag);
  if (output === 'path') return print(path);
  print(output === 'json' ? JSON.stringify(document, null, 2) : await toYaml(document, false));
};

export interface DeleteOptions extends Quiet {
  readonly yes?: boolean | undefined;
}

export const remove: Action<[targets: readonly string[], options: DeleteOptions]> = async (kind, targets, options) => {
  const store = await kind.open();
  // All are looked up before the first is deleted: a typing error in the last must not cost the others.
  const tags = new Set<string>();
  for (const target of targets.flatMap((each) => each.split(',')).map((each) => each.trim())) {
    for (const tag of await tagsOf(store, target)) tags.add(tag);
  }
  await removeTags(kind, store, [...tags], options);
};

/** A name stands for all its versions. */
async function tagsOf(store: AnyStore, target: string): Promise<string[]> {
  const { name, version } = parseTag(target);
  const tag = await store.resolve(target);
  return version === undefined ? (await store.list({ name })).map((item) => item.tag) : [tag];
}

async function removeTags(
  kind: StoreKind,
  store: AnyStore,
  tags: readonly string[],
  { yes, quiet }: DeleteOptions,
): Promise<void> {
  const questions = askQuestions();
  try {
    for (const tag of tags) {
      if (yes !== true && !(await questions.confirm(`delete ${kind.noun} ${tag}?${await aliasNote(store, tag)}`)))
        continue;
      await store.delete(tag);
      if (quiet !== true) print(`${kind.title}(tag="${tag}") deleted`);
    }
  } finally {
    questions.close();
  }
}

async function aliasNote(store: AnyStore, tag: string): Promise<string> {
  const { name, version } = parseTag(tag);
  const aliases = Object.entries(await store.aliases(name)).filter(([, moves]) => moves.at(-1)?.version === version);
  return aliases.length === 0 ? '' : ` (${aliases.map(([alias]) => alias).join(', ')} points at it)`;
}

export interface ExportOptions extends Quiet {
  readonly format?: string | undefined;
  readonly level?: number | undefined;
}

export const exportItem: Action<[tag: string, to: string | undefined, options: ExportOptions]> = async (
  kind,
  tag,
  to,
  options,
) => {
  const store = await kind.open();
  if (to === '-' && process.stdout.isTTY) {
    throw new EkibenError(
      'EKIBEN_TERMINAL_REFUSED',
      'an archive is not written to a terminal; send it to a file or a pipe',
    );
  }
  // The archive itself may go to the standard output.
  const say = (text: string): void =>
    void (options.quiet !== true && (to === '-' ? process.stderr : process.stdout).write(`${text}\n`));
  const { level, format } = options;
  const exported = await transferring(`exporting ${tag}`, options, (transfer) =>
    store.export(tag, to, { level, format, ...transfer }),
  );
  if (
    level === undefined &&
    exported.size >= LARGE_BYTES &&
    exported.format !== 'tar' &&
    exported.format !== 'folder'
  ) {
    say(
      `compressed at level ${exported.level}, since it is large (${humanSize(exported.size)}); --level 6 makes it smaller and takes longer`,
    );
  }
  say(`${kind.title}(tag="${exported.tag}") exported to ${exported.location}`);
};

export interface ImportOptions extends Quiet {
  readonly force?: boolean | undefined;
  readonly maxBytes?: number | undefined;
  readonly maxEntries?: number | undefined;
  readonly maxDepth?: number | undefined;
  readonly maxRatio?: number | undefined;
}

export const importItem: Action<[from: string, options: ImportOptions]> = async (kind, from, options) => {
  const store = await kind.open();
  const { force, quiet, maxBytes, maxEntries, maxDepth, maxRatio } = options;
  const limits: ArchiveLimits = { maxBytes, maxEntries, maxDepth, maxRatio };
  const imported = await transferring(`importing ${from}`, options, (transfer) =>
    store.import(from, { force, limits, ...transfer }),
  );
  if (quiet === true) return;
  const came = {
    added: 'imported',
    unchanged: 'is already there, with equal content',
    replaced: 'imported, replacing another of the same tag',
  };
  for (const model of imported.importedModels ?? []) print(`Model(tag="${model.tag}") ${came[model.outcome]}`);
  print(`${kind.title}(tag="${imported.tag}") ${came[imported.outcome]}`);
};

interface Transfer {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number | undefined) => void;
}

/** With a bar. Ctrl-C stops the transfer, which tidies up, and then ends the process as it would have. */
async function transferring<T>(
  label: string,
  { quiet }: Quiet,
  transfer: (options: Transfer) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  const progress = showProgress(label, quiet === true);
  process.once('SIGINT', interrupt);
  try {
    return await transfer({ signal: stop.signal, onProgress: progress.report });
  } finally {
    progress.end();
    process.off('SIGINT', interrupt);
    if (stop.signal.aborted) process.kill(process.pid, 'SIGINT');
  }
}

export const alias: Action<
  [tag: string, name: string | undefined, options: Quiet & { readonly delete?: boolean | undefined }]
> = async (kind, tag, name, options) => {
  const store = await kind.open();
  if (name === undefined) return print(formatAliases(tag, await store.aliases(tag)));
  if (options.delete === true) {
    await store.removeAlias(tag, name);
    if (options.quiet !== true) print(`alias ${formatTag(parseTag(tag).name, name)} removed`);
    return;
  }
  const target = await store.alias(tag, name);
  if (options.quiet !== true) print(`${formatTag(parseTag(tag).name, name)} -> ${target}`);
};

/** Every alias with its moves, newest first. */
function formatAliases(tag: string, aliases: Aliases): string {
  const { name } = parseTag(tag);
  const rows = Object.entries(aliases).flatMap(([each, moves]) =>
    moves
      .toReversed()
      .map(({ version, time, by }, age) => [age === 0 ? formatTag(name, each) : '', version, localTime(time), by]),
  );
  return formatTable(['Alias', 'Version', 'Since', 'By'], rows, undefined);
}

export const rollback: Action<[name: string, alias: string, options: Quiet]> = async (kind, name, each, { quiet }) => {
  const target = await (await kind.open()).rollback(name, each);
  if (quiet !== true) print(`${formatTag(parseTag(name).name, each)} -> ${target}`);
};

export const verify: Action<
  [tags: readonly string[], options: Quiet & { readonly record?: boolean | undefined }]
> = async (kind, tags, { quiet, record }) => {
  const store = await kind.open();
  const results: Verification[] = [];
  for (const tag of tags.length === 0 ? [undefined] : tags) results.push(...(await store.verify(tag, { record })));
  if (kind.verifyInside !== undefined) await verifyInside(results, kind.verifyInside);
  for (const result of results) {
    if (quiet !== true || result.state === 'damaged') print(`${result.tag}  ${describeState(result, record === true)}`);
    for (const { path, problem } of result.faults) print(`  ${problem.padEnd(7)}  ${printable(path)}`);
  }
  const damaged = results.filter(({ state }) => state === 'damaged').length;
  if (damaged > 0)
    throw new EkibenError('EKIBEN_STORE_DAMAGED', `${damaged} of ${results.length} ${kind.nouns} are damaged`);
};

/** The store's digests are of what came; those inside also tell what happened before it came. */
async function verifyInside(results: Verification[], verify: NonNullable<StoreKind['verifyInside']>): Promise<void> {
  for (const [index, result] of results.entries()) {
    if (result.problem !== undefined) continue;
    const faults = await verify(result.tag);
    if (faults === undefined) continue;
    const known = new Set(result.faults.map(({ path }) => path));
    const all = [...result.faults, ...faults.filter(({ path }) => !known.has(path))];
    results[index] = { ...result, state: all.length === 0 ? 'intact' : 'damaged', faults: all };
  }
}

function describeState({ state, problem }: Verification, record: boolean): string {
  if (state === 'intact') return 'intact';
  if (state === 'damaged') return problem === undefined ? 'damaged' : `damaged: ${problem}`;
  return record
    ? 'digests recorded'
    : 'no digests: not saved or imported by Ekiben (--record notes them as they are now)';
}

export const prune: Action<
  [names: readonly string[], options: DeleteOptions & { readonly keep?: number | undefined }]
> = async (kind, names, options) => {
  const store = await kind.open();
  if (options.keep !== undefined) await removeTags(kind, store, await oldTags(store, names, options.keep), options);
  const { drafts, digests, bytes } = await store.prune();
  if (options.quiet !== true) {
    print(
      `removed ${drafts} unfinished changes, ${digests} digests of what is gone, ${humanSize(bytes)} of files that nothing uses`,
    );
  }
};

/** All but the newest of every name, and but those that an alias points at. */
async function oldTags(store: AnyStore, names: readonly string[], keep: number): Promise<string[]> {
  const byName = new Map<string, ListedItem[]>();
  for (const item of await store.list({})) {
    if (names.length === 0 || names.includes(item.name))
      byName.set(item.name, [...(byName.get(item.name) ?? []), item]);
  }
  for (const name of names) if (!byName.has(name)) await store.resolve(name);
  const old: string[] = [];
  for (const [name, items] of byName) {
    const aliased = new Set(Object.values(await store.aliases(name)).map((moves) => moves.at(-1)?.version));
    old.push(
      ...items
        .slice(keep)
        .filter(({ version }) => !aliased.has(version))
        .map(({ tag }) => tag),
    );
  }
  return old;
}

async function toYaml(value: unknown, sortKeys: boolean): Promise<string> {
  const { dump } = await import('js-yaml');
  return dump(value, { seqNoIndent: true, lineWidth: -1, noRefs: true, sortKeys }).trimEnd();
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
