// The service and what serves it as JavaScript modules that share their parts, with esbuild. Our own files keep their source maps;
// packages of plain JavaScript are inside, and those that cannot be are found out and named.
import { readFileSync, statSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import type {
  BuildFailure,
  formatMessages,
  ImportKind,
  Loader,
  Metafile,
  OnLoadResult,
  OnResolveResult,
  OutputFile,
  Plugin,
  PluginBuild,
  ResolveResult,
} from 'esbuild';
import { canonical } from './canonical.ts';
import { mapOnly } from './maps.ts';
import { isNative } from './native.ts';
import type { Origin } from './origin.ts';
import { BUNDLE_PLACE, followOwnFiles, mayNeedPlace, placedAmongSources } from './own-files.ts';
import { isForDevelopment, PackageFinder, packageName, type Package } from './package-root.ts';

/** Where the bundle lies among the sources: beside them, so that they are `..` for it. */
export const BUNDLE_DIR = '__bundle__';

export interface BundleInput {
  /** Absolute path of the project. */
  readonly project: string;
  /** Absolute path of the module that exports the service. */
  readonly service: string;
  readonly exportName: string;
  /** Names of packages that stay outside. */
  readonly outside: readonly string[];
  /** Whether packages of plain JavaScript go inside. */
  readonly packages: boolean;
  /** Major version of Node. */
  readonly node: string;
  readonly finder: PackageFinder;
}

export interface Bundle {
  /** By their path in {@link BUNDLE_DIR}. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Packages with a module inside. */
  readonly inside: readonly Package[];
  /** Packages that modules inside import, and which must be beside. */
  readonly outside: readonly Package[];
  /** Of packages outside, by name: the only files that those who import them need. */
  readonly fewFiles: ReadonlyMap<string, readonly string[]>;
  /** Modules of the project that are inside, by their path in it. */
  readonly ours: readonly string[];
  readonly origin: Origin;
  /** What serves the service, inside the bundle. */
  readonly server: string;
  /** The module that exports the service. */
  readonly service: string;
}

/** What serves the bento: the command, as a program and as a function. */
const SERVER = `
import { fileURLToPath } from 'node:url';
import { run as runCommand } from 'ekiben/cli';
const bento = fileURLToPath(new URL('../..', import.meta.url));
export const run = (args) => runCommand(args, { bento });
if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await run(process.argv.slice(2));
`;
const SERVER_ENTRY = 'ekiben:server';
const SERVICE_ENTRY = 'ekiben:service';

/** By its name, which a module of CommonJS would not export as a part of the bundle. */
function serviceEntry({ service, exportName }: BundleInput): string {
  const module = JSON.stringify(service);
  return `export * from ${module}; export { ${exportName} } from ${module};`;
}

/** What the processes that `serve` starts run. */
const PROGRAMS = ['@ekiben/runners/worker', '@ekiben/server/api-worker', '@ekiben/server/runner-observer'];

/**
 * @throws EKIBEN_COMPILE_FAILED with file, line and column; EKIBEN_DEPENDENCY_MISSING
 */
export async function bundle(input: BundleInput): Promise<Bundle> {
  const { build, formatMessages } = await import('esbuild');
  const found = new Findings(input);
  for (;;) {
    found.begin();
    const before = found.surprises;
    const entryPoints = [
      { in: SERVICE_ENTRY, out: 'service' },
      { in: SERVER_ENTRY, out: 'server' },
      ...[...found.programs].map(([out, { path }]) => ({ in: path, out })),
    ];
    try {
      const { outputFiles, metafile } = await build({ ...options(input), entryPoints, plugins: [found.plugin] });
      found.keepNames(metafile);
      if (found.surprises === before) return finished(input, found, outputFiles, metafile);
    } catch (error) {
      if (found.surprises === before) throw await explained(error, formatMessages);
    }
    // A package that turned out to stay outside, or a module to be run by itself, changes what is bundled, and what is wrong with it.
  }
}

async function explained(error: unknown, format: typeof formatMessages): Promise<unknown> {
  const { errors } = error as Partial<BuildFailure>;
  if (!Array.isArray(errors)) return error;
  const thrown = errors.map(({ detail }) => detail as unknown).find((each) => EkibenError.is(each));
  if (thrown !== undefined) return thrown;
  const messages = await format(errors, { kind: 'error', color: false });
  return new EkibenError('EKIBEN_COMPILE_FAILED', `The service does not compile.\n\n${messages.join('\n').trim()}`, {
    cause: error,
  });
}

function options({ project, node }: BundleInput) {
  return {
    absWorkingDir: project,
    outdir: join(project, BUNDLE_DIR),
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: `node${node}`,
    sourcemap: 'linked',
    // All in one folder, so that what one module finds beside itself another finds as well.
    chunkNames: '[name]-[hash]',
    legalComments: 'external',
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'silent',
    // What packages in CommonJS require of Node, and find beside themselves, is found from a module, too.
    banner: {
      js: `import { createRequire as __ekiben_require } from 'node:module';const require = __ekiben_require(import.meta.url), ${BUNDLE_PLACE} = import.meta.dirname;`,
    },
  } as const;
}

/** What a module finds by its own place, and finds beside the bundle as well. */
interface Beside {
  /** In the bundle. */
  readonly name: string;
  /** On the disk. */
  readonly path: string;
  /** A program is a bundle of its own; any other file is as it was. */
  readonly isProgram: boolean;
  /** The directory of the package that wants it. */
  readonly owner: string;
}

/** What the modules themselves tell while they are bundled. */
class Findings {
  /** By what esbuild calls them. */
  readonly programs = new Map<string, Beside>();
  readonly assets = new Map<string, Beside>();
  readonly outside = new Map<string, Package>();
  readonly fewFiles = new Map<string, readonly string[]>();
  /** How often something was found that changes what is bundled. */
  surprises = 0;
  readonly #input: BundleInput;
  readonly #stays = new Set<string>();
  readonly #resolved = new Map<string, Promise<OnResolveResult | undefined>>();

  constructor(input: BundleInput) {
    this.#input = input;
    const { finder, project } = input;
    // Known beforehand, which saves the second turn that finding them would cost.
    const command = finder.find('ekiben', project);
    if (command === undefined) throw missing('ekiben, whose command serves the bento', 'The project');
    for (const wanted of PROGRAMS) {
      const owner = finder.find(packageName(wanted), command.dir);
      if (owner === undefined) continue;
      const path = resolveModule(wanted, join(owner.dir, 'package.json'), 'ekiben');
      this.#add(this.#programOf(wanted, path, owner.dir));
    }
  }

  /** What a package wanted that turned out to stay outside is not wanted any more. */
  begin(): void {
    this.outside.clear();
    this.#resolved.clear();
    for (const found of [this.programs, this.assets])
      for (const [key, { owner }] of found) if (this.#stays.has(owner)) found.delete(key);
  }

  /** What a module of the project imports while it runs has, in CommonJS, its names from Node, and in a bundle only a default. */
  keepNames({ inputs }: Metafile): void {
    const { project, finder } = this.#input;
    for (const [path, { imports }] of Object.entries(inputs)) {
      if (path.startsWith('ekiben:') || !isOurs(finder, project, join(project, path))) continue;
      for (const { kind, path: target } of imports) {
        const module = join(project, target);
        const isNamed = kind === 'dynamic-import' && inputs[target]?.format === 'cjs';
        if (isNamed && !isOurs(finder, project, module)) this.#stay(finder.of(dirname(module)), module);
      }
    }
  }

  readonly plugin: Plugin = {
    name: 'ekiben',
    setup: (build) => {
      const { project, finder } = this.#input;
      build.onResolve({ filter: /^ekiben:/ }, ({ path }) => ({ path, namespace: 'ekiben' }));
      build.onLoad({ filter: /.*/, namespace: 'ekiben' }, ({ path }) => ({
        contents: path === SERVER_ENTRY ? SERVER : serviceEntry(this.#input),
        resolveDir: project,
      }));
      build.onResolve({ filter: /^[^./]/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
        if (kind === 'entry-point' || pluginData === RESOLVING || isBuiltin(path)) return undefined;
        // The same for every module of a package, and modules are many.
        const key = JSON.stringify([path, finder.of(resolveDir)?.dir ?? resolveDir, kind]);
        const known = this.#resolved.get(key) ?? this.#resolve(build, { path, importer, resolveDir, kind });
        this.#resolved.set(key, known);
        return known;
      });
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, ({ path }) => this.#load(build, path));
      build.onLoad({ filter: /\.node$/ }, ({ path }) => this.#stay(finder.of(dirname(path)), path));
    },
  };

  async #resolve(
    build: PluginBuild,
    { path, importer, resolveDir, kind }: Import,
  ): Promise<OnResolveResult | undefined> {
    const { finder, project } = this.#input;
    const name = packageName(path);
    const owner = finder.of(importer === '' ? project : dirname(importer));
    const external = { path, external: true };
    for (const [few, files] of Object.entries(owner?.manifest.ekiben?.bento?.files ?? {}))
      this.fewFiles.set(few, files);
    if (owner?.manifest.ekiben?.bento?.omit?.includes(name)) return external;
    if (isForDevelopment(owner, name, project, finder)) return external;
    const resolved = await build.resolve(path, { importer, resolveDir, kind, pluginData: RESOLVING });
    if (resolved.errors.length > 0 && (isOptional(owner, name) || kind === 'require-call')) return external;
    // An alias of tsconfig, a `#name` of the package itself, or nothing at all, which esbuild explains.
    const target = resolved.errors.length > 0 || resolved.external ? undefined : finder.of(dirname(resolved.path));
    if (target === undefined || target.dir === owner?.dir)
      return resolved.errors.length > 0 ? undefined : pathOf(resolved);
    if (!this.fewFiles.has(name) && !this.#staysOutside(target)) return pathOf(resolved);
    this.outside.set(name, sameOrFail(name, this.outside.get(name), target));
    return external;
  }

  #staysOutside(target: Package): boolean {
    const { project, packages, outside } = this.#input;
    if (target.dir === project) return false;
    return !packages || outside.includes(target.manifest.name) || this.#stays.has(target.dir) || isNative(target);
  }

  async #load(build: PluginBuild, path: string): Promise<OnLoadResult | undefined> {
    const { finder, project } = this.#input;
    const owner = finder.of(dirname(path));
    const text = readFileSync(path, 'utf8');
    const loader = loaderOf(path);
    if (owner === undefined || isOurs(finder, project, path)) {
      const contents = placedAmongSources(text, `../${slashed(relative(project, path))}`);
      return contents === undefined ? undefined : { contents, loader };
    }
    if (!mayNeedPlace(text)) return undefined;
    // The same without comments, in which examples may stand.
    const { code } = await build.esbuild.transform(text, { loader, minifyWhitespace: true, legalComments: 'inline' });
    const found: Beside[] = [];
    const own = followOwnFiles(code, (kind, wanted) => {
      const beside = this.#beside(owner, path, kind, wanted);
      if (typeof beside === 'object') found.push(beside);
      return typeof beside === 'object' ? `./${beside.name}` : beside;
    });
    if (own.needsPlace) return this.#stay(owner, path);
    for (const each of found) this.#add(each);
    return { contents: own.source, loader };
  }

  #stay(owner: Package | undefined, path: string): OnLoadResult {
    if (owner === undefined || owner.dir === this.#input.project) throw nativeInProject(path);
    if (!this.#stays.has(owner.dir)) this.surprises++;
    this.#stays.add(owner.dir);
    return { contents: '' };
  }

  /** A text is the name of what the bento does without; undefined is what cannot be beside it. */
  #beside(owner: Package, module: string, kind: 'url' | 'module', wanted: string): Beside | string | undefined {
    const { dir, manifest } = owner;
    if (kind === 'module') return this.#programOf(wanted, resolveModule(wanted, module, manifest.name), dir);
    const path = join(dirname(module), wanted);
    const inside = slashed(relative(dir, path));
    if (manifest.ekiben?.bento?.omit?.includes(`./${inside}`) === true) return wanted;
    if (inside.startsWith('../') || statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
    if (/\.[cm]?[jt]s$/.test(path)) return this.#programOf(`${manifest.name}/${inside}`, path, dir);
    // Versions, since two of a package may be inside.
    const name = `files/${manifest.name.replace('@', '')}-${manifest.version}/${inside}`;
    return { name, path, isProgram: false, owner: dir };
  }

  #programOf(specifier: string, path: string, owner: string): Beside {
    const { version } = this.#input.finder.of(dirname(path))?.manifest ?? {};
    const name = specifier.replace(packageName(specifier), (all) => `${all}-${version}`);
    const file = name
      .replace(/\.[cm]?[jt]s$/, '')
      .replaceAll('/', '-')
      .replace('@', '');
    return { name: `run-${file}.js`, path, isProgram: true, owner };
  }

  #add(beside: Beside): void {
    if (!beside.isProgram) return void this.assets.set(beside.name, beside);
    const out = beside.name.replace(/\.js$/, '');
    if (!this.programs.has(out)) this.surprises++;
    this.programs.set(out, beside);
  }
}

interface Import {
  readonly path: string;
  readonly importer: string;
  readonly resolveDir: string;
  readonly kind: ImportKind;
}

const RESOLVING = Symbol('resolving');

function finished(input: BundleInput, found: Findings, outputs: readonly OutputFile[], metafile: Metafile): Bundle {
  const { project, finder } = input;
  const outdir = join(project, BUNDLE_DIR);
  const written = new Map(outputs.map(({ path, contents }) => [slashed(relative(outdir, path)), contents]));
  mapOnly(written, (source) => !/ekiben:serv(?:er|ice)$/.test(source) && isOurs(finder, project, join(outdir, source)));
  const files = canonical(written, (path) => {
    const absolute = join(project, path);
    const owner = finder.of(dirname(absolute));
    if (owner === undefined || isOurs(finder, project, absolute)) return undefined;
    return `${owner.manifest.name}@${owner.manifest.version}/${slashed(relative(owner.dir, absolute))}`;
  });
  for (const [name, { path }] of found.assets) files.set(name, readFileSync(path));
  // Whatever the package.json of the sources says of modules.
  files.set('package.json', Buffer.from('{ "type": "module" }\n'));
  const inside = new Map<string, Package>();
  const ours: string[] = [];
  const modules = Object.keys(metafile.inputs).filter((path) => !path.startsWith('ekiben:'));
  for (const path of modules) {
    const absolute = join(project, path);
    const owner = finder.of(dirname(absolute));
    if (owner === undefined || isOurs(finder, project, absolute)) ours.push(path);
    else inside.set(owner.dir, owner);
  }
  return {
    files,
    inside: [...inside.values()].toSorted(byName),
    outside: [...found.outside.values()].toSorted(byName),
    fewFiles: found.fewFiles,
    ours,
    origin: {
      files: [
        ...modules.map((path) => join(project, path)),
        ...[...found.assets.values()].map(({ path }) => path),
      ].toSorted(),
      outside: [...found.outside.values()].map(({ dir }) => dir).toSorted(),
    },
    server: 'server.js',
    service: 'service.js',
  };
}

/** A module of the project itself. */
function isOurs(finder: PackageFinder, project: string, path: string): boolean {
  const owner = finder.of(dirname(path));
  return owner === undefined || owner.dir === project;
}

function pathOf({ path, namespace, sideEffects, suffix, external }: ResolveResult): OnResolveResult {
  return { path, namespace, sideEffects, suffix, external };
}

function byName(a: Package, b: Package): number {
  return a.manifest.name < b.manifest.name ? -1 : 1;
}

function isOptional(owner: Package | undefined, name: string): boolean {
  const { optionalDependencies, peerDependenciesMeta } = owner?.manifest ?? {};
  return optionalDependencies?.[name] !== undefined || peerDependenciesMeta?.[name]?.optional === true;
}

function sameOrFail(name: string, known: Package | undefined, target: Package): Package {
  if (known === undefined || known.dir === target.dir) return target;
  throw new EkibenError(
    'EKIBEN_DEPENDENCY_AMBIGUOUS',
    `Two copies of ${name} are needed, ${known.manifest.version} in ${known.dir} and ${target.manifest.version} in ${target.dir}, and it has to stay outside the bundle: bring them to one version.`,
  );
}

function resolveModule(wanted: string, module: string, by: string): string {
  try {
    return createRequire(module).resolve(wanted);
  } catch {
    throw missing(wanted, by);
  }
}

function nativeInProject(path: string): EkibenError {
  return new EkibenError(
    'EKIBEN_COMPILE_FAILED',
    `${path} is a native module of the project itself, which cannot be packed: make a package of it.`,
  );
}

function missing(wanted: string, by: string): EkibenError {
  return new EkibenError(
    'EKIBEN_DEPENDENCY_MISSING',
    `${by} needs ${wanted}, which is not installed: install the project's packages.`,
  );
}

function loaderOf(path: string): Loader {
  const extension = path.slice(path.lastIndexOf('.') + 1).replace(/^[cm]/, '');
  return extension as Loader;
}

function slashed(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/');
}
