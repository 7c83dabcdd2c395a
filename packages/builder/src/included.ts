// The files of the project that go into `src`: by `include`, `exclude` and .bentoignore, none that holds secrets by its name.
import { lstat, readFile, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import createIgnore, { type Ignore } from 'ignore';
import { MAX_INCLUDED_FILES } from './limits.ts';
import { NEVER_INCLUDED } from './secrets.ts';

const IGNORE_FILE = '.bentoignore';

export interface IncludedFile {
  /** In the project, with `/`. */
  readonly path: string;
  readonly source: string;
  readonly executable: boolean;
}

/** Rules of a folder, as .gitignore has them: for paths below it. */
interface FolderRules {
  readonly folder: string;
  readonly rules: Ignore;
}

/**
 * @param include - patterns of .gitignore
 * @throws EKIBEN_INCLUDE_REFUSED for links that lead out of the project, and for far too many files
 */
export async function includedFiles(
  project: string,
  include: readonly string[],
  exclude: readonly string[],
): Promise<readonly IncludedFile[]> {
  const wanted = createIgnore().add([...include]);
  const never = { folder: '', rules: createIgnore().add([...NEVER_INCLUDED]) };
  const files: IncludedFile[] = [];
  const visit = async (folder: string, above: readonly FolderRules[]): Promise<void> => {
    const ignoreFile = await readFile(join(project, folder, IGNORE_FILE), 'utf8').catch(() => undefined);
    const rules = ignoreFile === undefined ? above : [...above, { folder, rules: createIgnore().add(ignoreFile) }];
    for (const entry of (await readdir(join(project, folder), { withFileTypes: true })).toSorted(byName)) {
      const path = `${folder}${entry.name}`;
      if (entry.isDirectory()) {
        if (!isIgnored(`${path}/`, rules)) await visit(`${path}/`, rules);
      } else if (entry.name !== IGNORE_FILE && wanted.ignores(path) && !isIgnored(path, rules)) {
        const source = entry.isSymbolicLink() ? await linkTarget(project, path) : join(project, path);
        const stats = await lstat(source);
        if (stats.isFile()) files.push({ path, source, executable: (stats.mode & 0o100) !== 0 });
        if (files.length > MAX_INCLUDED_FILES) throw tooMany(project);
      }
    }
  };
  await visit('', [never, { folder: '', rules: createIgnore().add([...exclude]) }]);
  return files;
}

function isIgnored(path: string, rules: readonly FolderRules[]): boolean {
  return rules.some((each) => each.rules.ignores(path.slice(each.folder.length)));
}

/** A bento holds no links, so that it is the same everywhere: the file itself goes in, if it is the project's. */
async function linkTarget(project: string, path: string): Promise<string> {
  const target = await realpath(join(project, path)).catch(() => undefined);
  if (target?.startsWith(project + sep) === true) return target;
  const where = target === undefined ? 'to nothing' : 'out of the project';
  throw new EkibenError(
    'EKIBEN_INCLUDE_REFUSED',
    `${path} is a link that leads ${where}: exclude it, or put the file itself there.`,
  );
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
