// What a module finds by its own place on the disk, and whether it still finds it as a part of a bundle.
//
// Three ways of writing it can be followed, since they name what they want:
//   new URL('./worker.js', import.meta.url)                a module of the package, or a file of it
//   createRequire(import.meta.url).resolve('pkg/worker')   a module, to be run by itself
//   const require = createRequire(import.meta.url)         for `require('pkg')`, which a bundler knows
// A module that does anything else with its place stays outside the bundle, with its whole package.

export interface OwnFiles {
  /** With what can be followed rewritten. */
  readonly source: string;
  /** Relative to the module: `../package.json`. */
  readonly urls: readonly string[];
  /** Specifiers of modules that run by themselves. */
  readonly modules: readonly string[];
  /** Whether the module still wants to know its place. */
  readonly needsPlace: boolean;
}

const OWN_URL = /new URL\(\s*(['"])(\.{1,2}\/[^'"]+)\1\s*,\s*import\.meta\.url\s*\)/g;
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
 * @param nameOf - what a file or module is called beside the bundle
 */
export function followOwnFiles(source: string, nameOf: (kind: 'url' | 'module', wanted: string) => string): OwnFiles {
  const urls: string[] = [];
  const modules: string[] = [];
  const rewritten = source
    .replace(OWN_URL, (_all, _quote, wanted: string) => {
      urls.push(wanted);
      return `new URL(${JSON.stringify(nameOf('url', wanted))}, __ekiben_meta_url)`;
    })
    .replace(RESOLVED, (_all, _quote, wanted: string) => {
      modules.push(wanted);
      return `__ekiben_path(new URL(${JSON.stringify(nameOf('module', wanted))}, __ekiben_meta_url))`;
    })
    .replace(OWN_REQUIRE, '')
    .replace(IMPORT_CREATE_REQUIRE, '');
  if (PLACE.test(rewritten)) return { source, urls: [], modules: [], needsPlace: true };
  const path = modules.length === 0 ? '' : `import { fileURLToPath as __ekiben_path } from 'node:url';`;
  return {
    source: path + rewritten.replaceAll('__ekiben_meta_url', 'import.meta.url'),
    urls,
    modules,
    needsPlace: false,
  };
}
