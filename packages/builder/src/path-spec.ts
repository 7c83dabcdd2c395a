// Patterns of .gitignore as BentoML matches them with pathspec's `gitwildmatch`: of the patterns that fit a file, the last one counts.
// Unlike git, a file below a folder that one pattern takes is let go by a later `!`; and upper and lower case are different everywhere.
import createIgnore, { type Ignore } from 'ignore';

interface Line {
  readonly pattern: Ignore;
  readonly negated: boolean;
}

export class PathSpec {
  readonly #lines: readonly Line[];

  /** @param text - a line each; empty ones and those from `#` on count for nothing */
  constructor(text: string) {
    const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
    this.#lines = lines
      .filter((line) => line.trim() !== '' && !line.startsWith('#'))
      .map((line) => {
        const negated = line.startsWith('!');
        return { negated, pattern: createIgnore({ ignorecase: false }).add(negated ? line.slice(1) : line) };
      });
  }

  /** @param path - of a file, with `/` */
  matches(path: string): boolean {
    const last = this.#lines.findLast(({ pattern }) => pattern.ignores(path));
    return last !== undefined && !last.negated;
  }

  /** Whether everything below a folder is matched, so that one need not look into it. @param folder - with `/` at its end */
  matchesAllOf(folder: string): boolean {
    return folder !== '' && this.matches(folder) && !this.#lines.some(({ negated }) => negated);
  }
}
