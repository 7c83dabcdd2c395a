// TypeScript to one JavaScript module beside the project's packages. Node 20 strips no types, so esbuild does, on demand.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { EkibenError } from '@ekiben/spec';
import type { BuildFailure, OutputFile, Plugin } from 'esbuild';

export interface Compiled {
  readonly module: string;
  /** A module that imports the packages that `module` does, and nothing else: what a process can load that stands by. */
  readonly imports: string;
}

/**
 * Bundles the project's own files into `node_modules/.cache/ekiben/` of the project, so that packages resolve from there as they do
 * from the source. Packages stay outside; source maps are inside.
 * @throws EKIBEN_COMPILE_FAILED with file, line, column and the line itself; EKIBEN_PROJECT_NOT_WRITABLE
 */
export async function compile(file: string): Promise<Compiled> {
  const { build, formatMessages } = await import('esbuild');
  isRunning = true;
  const folder = projectFolder(file);
  try {
    const { outputFiles, metafile } = await build({
      metafile: true,
      entryPoints: [file],
      outdir: cacheOf(folder),
      write: false,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'silent',
      define: Object.fromEntries(PLACES.map((name) => [`import.meta.${name}`, `__ekiben_source_${name}`])),
      plugins: [keepPlace],
    });
    const [bundle] = outputFiles as [OutputFile];
    const external = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter((each) => each.external));
    const packages = new Set(external.map((each) => each.path).filter((name) => !isBuiltin(name)));
    const imports = [...packages].map((name) => `import ${JSON.stringify(name)};\n`).join('');
    process.setSourceMapsEnabled(true);
    const { name } = path.parse(file);
    return {
      module: await writeModule(folder, name, bundle.contents),
      imports: await writeModule(folder, 'imports', imports),
    };
  } catch (error) {
    const { errors } = error as BuildFailure;
    if (!Array.isArray(errors)) throw error;
    const messages = await formatMessages(errors, { kind: 'error', color: process.stderr.isTTY });
    throw new EkibenError('EKIBEN_COMPILE_FAILED', `${file} does not compile.\n\n${messages.join('\n').trim()}`, {
      cause: error,
    });
  }
}

let isRunning = false;

/** Ends the compiler's process, which otherwise stays for the next time. */
export async function endCompiler(): Promise<void> {
  if (!isRunning) return;
  isRunning = false;
  const { stop } = await import('esbuild');
  await stop();
}

const cacheOf = (folder: string) => path.join(folder, 'node_modules', '.cache', 'ekiben');

/**
 * Writes a module from which packages resolve as from the folder, and returns its path. It is named by content: a worker that starts
 * after an edit still finds the module that its parent serves.
 * @throws EKIBEN_PROJECT_NOT_WRITABLE
 */
export async function writeModule(folder: string, name: string, contents: string | Uint8Array): Promise<string> {
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 16);
  const module = path.join(cacheOf(folder), `${name}-${hash}.mjs`);
  if (existsSync(module)) return module;
  try {
    await mkdir(path.dirname(module), { recursive: true });
    await writeFile(`${module}.${process.pid}`, contents);
    await rename(`${module}.${process.pid}`, module);
    return module;
  } catch (cause) {
    throw new EkibenError(
      'EKIBEN_PROJECT_NOT_WRITABLE',
      `${cacheOf(folder)} cannot be written to (${(cause as NodeJS.ErrnoException).code}): what is compiled lies there, where it finds the project's packages.`,
      { cause },
    );
  }
}

const PLACES = ['url', 'filename', 'dirname'] as const;

/** A bundled file keeps the `import.meta.url` of its source, so that `new URL('./data.json', import.meta.url)` still finds it. */
const keepPlace: Plugin = {
  name: 'keep-place',
  setup(build) {
    build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path: file }) => {
      const source = await readFile(file, 'utf8');
      if (!source.includes('import.meta')) return undefined;
      const loader = file.endsWith('x') ? 'tsx' : 'ts';
      const places = { url: pathToFileURL(file).href, filename: file, dirname: path.dirname(file) };
      const known = PLACES.map((name) => `__ekiben_source_${name} = ${JSON.stringify(places[name])}`);
      return { contents: `const ${known.join(', ')};${source}`, loader };
    });
  },
};

export function projectFolder(file: string): string {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'package.json'))) return folder;
    if (folder === path.dirname(folder)) return path.dirname(file);
  }
}
