// What a module finds by its own place on the disk, and whether it still finds it as a part of a bundle.
//
// Four ways of writing it can be followed, since they name what they want:
//   new URL('./worker.js', import.meta.url)                a module of the package, or a file of it
//   join(__dirname, 'worker.js')                           the same in CommonJS, unless it is read or required right there
//   createRequire(import.meta.url).resolve('pkg/worker')   a module, to be run by itself
//   const require = createRequire(import.meta.url)         for `require('pkg')`, which a bundler knows
// A module that does anything else with its place stays outside the bundle, with its whole package.

/** The directory of the bundle, in each of its modules: `import.meta` itself would make a module of CommonJS another one. */
export const BUNDLE_PLACE = '__ekiben_dir';

export interface OwnFiles {
  /** With what can be followed rewritten. */
  readonly source: string;
  /** Whether the module still wants to know its place. */
  readonly needsPlace: boolean;
}

const OWN_URL = /new URL\(\s*(['"])(\.{1,2}\/[^'"]+)\1\s*,\s*import\.meta\.url\s*\)/g;
const OWN_PATH =
  /(?<!\b(?:require|read\w*|createReadStream|sendFile)\(|[\w$.])((?:[\w$]+\.)?(?:join|resolve)\()\s*__dirname\s*((?:,\s*(?:'[^'\\]+'|"[^"\\]+")\s*)+)\)/g;
const RESOLVED = /createRequire\(import\.meta\.url\)\s*\.resolve\(\s*(['"])([^'"]+)\1\s*\)/g;
const OWN_REQUIRE = /(?:const|let|var) require\s*=\s*createRequire\(import\.meta\.url\);?/g;
const IMPORT_CREATE_REQUIRE = /import\s*\{\s*createRequire\s*\}\s*from\s*['"](?:node:)?module['"];?/g;
const PLACE =
  /(?<!['"`])import\.meta\.(?:url|dirname|filename|resolve)|\brequire\.resolve\b|(?<![\w$.'"`])__(?:dirname|filename)(?![\w$'"`:?])/;

/** A quick test that spares most modules the closer look. */
export function mayNeedPlace(source: string): boolean {
  return PLACE.test(source);
}

/**
 * @param source - without comments
 * @param nameOf - what a file or module is called beside the bundle; undefined for what cannot be there
 */
export function followOwnFiles(
  source: string,
  nameOf: (kind: 'url' | 'module', wanted: string) => string | undefined,
): OwnFiles {
  let runs = false;
  const follow = (all: string, kind: 'url' | 'module', wanted: string, rewrite: (name: string) => string): string => {
    const name = nameOf(kind, wanted);
    return name === undefined ? all : rewrite(JSON.stringify(name));
  };
  const rewritten = source
    .replace(OWN_URL, (all, _quote, wanted: string) =>
      follow(all, 'url', wanted, (name) => `new URL(${name}, __ekiben_meta_url)`),
    )
    .replace(OWN_PATH, (all, callee: string, parts: string) =>
      follow(all, 'url', joined(parts), (name) => `${callee}${BUNDLE_PLACE},${name})`),
    )
    .replace(RESOLVED, (all, _quote, wanted: string) =>
      follow(all, 'module', wanted, (name) => {
        runs = true;
        return `__ekiben_path(new URL(${name}, __ekiben_meta_url))`;
      }),
    )
    .replace(OWN_REQUIRE, '')
    .replace(IMPORT_CREATE_REQUIRE, '');
  if (PLACE.test(rewritten)) return { source, needsPlace: true };
  const path = runs ? `import { fileURLToPath as __ekiben_path } from 'node:url';` : '';
  return { source: path + rewritten.replaceAll('__ekiben_meta_url', 'import.meta.url'), needsPlace: false };
}

const META_PLACE = /\bimport\.meta\.(url|filename|dirname)\b/g;
const OWN_PLACE = /(?<![\w$.'"`])__(?:dirname|filename)(?![\w$'"`:?])/;
const DECLARED_PLACE = /\b(?:const|let|var)\s+__(?:dirname|filename)\b/;

/**
 * A module of the project, told where it lies among the sources, which the bento has beside the bundle.
 * @param place - from the bundle: `../src/service.ts`
 * @returns undefined for a module that does not ask; lines stay where they were
 */
export function placedAmongSources(source: string, place: string): string | undefined {
  const text = source.replace(/^#!.*/, '');
  if (text.search(META_PLACE) >= 0) {
    const url = JSON.stringify(place.split('/').map(encodeURIComponent).join('/'));
    const head = [
      `import { fileURLToPath as __ekiben_path } from 'node:url';const __ekiben_source_url = new URL(${url}, import.meta.url).href`,
      '__ekiben_source_filename = __ekiben_path(__ekiben_source_url)',
      `__ekiben_source_dirname = __ekiben_path(new URL('.', __ekiben_source_url)).slice(0, -1);`,
    ].join(',');
    return head + text.replaceAll(META_PLACE, '__ekiben_source_$1');
  }
  if (!OWN_PLACE.test(text) || DECLARED_PLACE.test(text)) return undefined;
  const path = `require('node:path')`;
  return `var __filename = ${path}.resolve(${BUNDLE_PLACE}, ${JSON.stringify(place)}), __dirname = ${path}.dirname(__filename);${text}`;
}

/** `, 'lib', 'worker.js'` → `./lib/worker.js` */
function joined(parts: string): string {
  return ['.', ...[...parts.matchAll(/(['"])(.+?)\1/g)].map(([, , part]) => part)].join('/');
}
