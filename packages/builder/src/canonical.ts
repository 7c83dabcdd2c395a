// The same bundle wherever it is made. esbuild writes the paths of modules, relative to the project, into CommonJS wrappers and into
// the hashes of its chunks; where packages lie differs from machine to machine, so packages are named in place of paths, and chunks
// by what is in them.
import { createHash } from 'node:crypto';
import { decode, encode } from '@jridgewell/sourcemap-codec';

/** `__commonJS({"../node_modules/x/index.js"(exports,module){` */
const WRAPPER = /\{"([^"\n]+)"\(/g;
/** In the names of chunks, wherever they stand. */
const HASH = /-([A-Z0-9]{8})(?=\.js)/;
const HASHES = new RegExp(HASH, 'g');

/**
 * @param files - by name; all of one folder
 * @param nameOf - what stands for the path of a module; undefined for one that can stay
 */
export function canonical(
  files: ReadonlyMap<string, Uint8Array>,
  nameOf: (path: string) => string | undefined,
): Map<string, Uint8Array> {
  const texts = new Map([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString('utf8')]));
  for (const [name, text] of texts) {
    if (!name.endsWith('.js')) continue;
    const { renamed, edits } = renameModules(text, nameOf);
    const map = texts.get(`${name}.map`);
    texts.set(name, renamed);
    if (map !== undefined && edits.length > 0) texts.set(`${name}.map`, moveColumns(map, edits));
  }
  const hashes = hashesByContent(texts);
  const rename = (text: string): string => text.replace(HASHES, (_all, hash: string) => `-${hashes.get(hash) ?? hash}`);
  return new Map([...texts].map(([name, text]) => [rename(name), Buffer.from(rename(text))]));
}

/** What was put in or taken out behind a column. */
interface Edit {
  readonly line: number;
  readonly column: number;
  readonly delta: number;
}

function renameModules(
  text: string,
  nameOf: (path: string) => string | undefined,
): { readonly renamed: string; readonly edits: readonly Edit[] } {
  const edits: Edit[] = [];
  const lines = text.split('\n').map((content, line) =>
    content.replace(WRAPPER, (all, path: string, column: number) => {
      const name = nameOf(path);
      if (name === undefined) return all;
      edits.push({ line, column, delta: name.length - path.length });
      return `{"${name}"(`;
    }),
  );
  return { renamed: lines.join('\n'), edits };
}

function moveColumns(map: string, edits: readonly Edit[]): string {
  const parsed = JSON.parse(map) as { readonly mappings: string };
  const moved = decode(parsed.mappings).map((segments, line) => {
    const here = edits.filter((edit) => edit.line === line);
    return segments.map((segment) => {
      const shift = here.reduce((sum, { column, delta }) => (column < segment[0] ? sum + delta : sum), 0);
      const [column, ...rest] = segment;
      return [column + shift, ...rest] as typeof segment;
    });
  });
  return JSON.stringify({ ...parsed, mappings: encode(moved) });
}

/** A chunk's old hash → one of its content, in which the hashes of others count for nothing. */
function hashesByContent(texts: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>();
  for (const [name, text] of texts) {
    const hash = HASH.exec(name)?.[1];
    if (hash === undefined || !name.endsWith('.js')) continue;
    const content = text.replace(HASHES, '');
    hashes.set(hash, createHash('sha256').update(content).digest('hex').slice(0, 8).toUpperCase());
  }
  return hashes;
}
