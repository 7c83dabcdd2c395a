// The files of the project that go into `src`: by `include`, `exclude` and .bentoignore, none that holds secrets by its name.
import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import createIgnore from 'ignore';
import { MAX_INCLUDED_FILES } from './limits.ts';
import { PathSpec } from './path-spec.ts';
import { NEVER_INCLUDED } from './secrets.ts';

const IGNORE_FILE = '.bentoignore';

export interface IncludedFile {
  /** In the project, with `/`. */
  readonly path: string;
  readonly source: string;
  readonly executable: boolean;
}

/** Rules of a folder, for paths below it: any of them leaves a file out. */
interface FolderRules {
  readonly folder: string;
  readonly rules: PathSpec;
}

/**
 * @param include - patterns as {@link PathSpec} has them
 * @throws EKIBEN_INCLUDE_REFUSED for links that lead out of the project, and for far too many files
 */
export async function includedFiles(
  project: string,
  include: readonly string[],
  exclude: readonly string[],
): Promise<readonly IncludedFile[]> {
  const walk = new Walk(project, new PathSpec(include.join('\n')));
  await walk.visit('', [{ folder: '', rules: new PathSpec(exclude.join('\n')) }], []);
  return walk.files;
}

class Walk {
  readonly files: IncludedFile[] = [];
  readonly #project: string;
  readonly #wanted: PathSpec;
  /** As git has it: nothing below a folder of these comes back. */
  readonly #never = createIgnore().add([...NEVER_INCLUDED]);

  constructor(project: string, wanted: PathSpec) {
    this.#project = project;
    this.#wanted = wanted;
  }

  /**
   * @param folder - empty, or with `/` at its end
   * @param links - what the links lead to by which one comes here
   */
  async visit(folder: string, above: readonly FolderRules[], links: readonly string[]): Promise<void> {
    if (above.some((each) => each.rules.matchesAllOf(folder.slice(each.folder.length)))) return;
    const directory = join(this.#project, folder);
    const ignoreFile = await readFile(join(directory, IGNORE_FILE), 'utf8').catch(() => undefined);
    const rules = ignoreFile === undefined ? above : [...above, { folder, rules: new PathSpec(ignoreFile) }];
    for (const entry of (await readdir(directory, { withFileTypes: true })).toSorted(byName)) {
      const path = `${folder}${entry.name}`;
      if (entry.name === IGNORE_FILE || this.#isNever(path)) continue;
      if (entry.isSymbolicLink()) await this.#follow(folder, path, rules, links);
      else if (entry.isDirectory()) await this.visit(`${path}/`, rules, links);
      else if (this.#isWanted(path, rules)) await this.#add(path, join(directory, entry.name));
    }
  }

  /** A bento holds no links, so that it is the same everywhere: what they lead to goes in, if it is the project's. */
  async #follow(folder: string, path: string, rules: readonly FolderRules[], links: readonly string[]): Promise<void> {
    const target = await realpath(join(this.#project, path)).catch(() => undefined);
    const isOurs = target !== undefined && isInside(this.#project, target);
    if (isOurs && this.#isNever(relative(this.#project, target).replaceAll(sep, '/'))) return;
    const isFolder = isOurs && (await stat(target)).isDirectory();
    const isAbove = isFolder && (links.includes(target) || isInside(target, join(this.#project, folder)));
    if (isFolder && !isAbove) return this.visit(`${path}/`, rules, [...links, target]);
    if (!this.#isWanted(path, rules)) return;
    if (isOurs && !isFolder) return this.#add(path, target);
    const where = target === undefined ? 'to nothing' : isAbove ? 'to a folder that it is in' : 'out of the project';
    throw new EkibenError(
      'EKIBEN_INCLUDE_REFUSED',
      `${path} is a link that leads ${where}: exclude it, or put the file itself there.`,
    );
  }

  #isNever(path: string): boolean {
    return path !== '' && (this.#never.ignores(path) || this.#never.ignores(`${path}/`));
  }

  #isWanted(path: string, rules: readonly FolderRules[]): boolean {
    return this.#wanted.matches(path) && !rules.some((each) => each.rules.matches(path.slice(each.folder.length)));
  }

  async #add(path: string, source: string): Promise<void> {
    const stats = await stat(source);
    // Neither a socket nor a pipe.
    if (!stats.isFile()) return;
    if (this.files.length === MAX_INCLUDED_FILES) throw tooMany(this.#project);
    this.files.push({ path, source, executable: (stats.mode & 0o100) !== 0 });
  }
}

function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}

function tooMany(project: string): EkibenError {
  return new EkibenError(
    'EKIBEN_INCLUDE_REFUSED',
    `More than ${MAX_INCLUDED_FILES} files of ${project} would go into the bento: name those it needs in 'include', or leave others out by 'exclude' or ${IGNORE_FILE}.`,
  );
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
