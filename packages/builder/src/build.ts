// `build()`: collects what is known of a project, plans, writes.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync, realpathSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { runnerInfo, startRunners } from '@ekiben/runners';
import { openApi, type ServiceDefinition } from '@ekiben/service';
import { EkibenError } from '@ekiben/spec';
import {
  BentoStore,
  ModelStore,
  parseTag,
  requireNewTag,
  storeHome,
  type StoredBento,
  type StoredModel,
  type TagResolved,
} from '@ekiben/store';
import { mapAtOnce } from './at-once.ts';
import { readBentofile, type Bentofile, type BentofileModel } from './bentofile.ts';
import { cachedBundle } from './bundle-cache.ts';
import type { Bundle } from './bundle.ts';
import type { Facts, ModelFacts, OutsidePackage, ServiceFacts, Tarball } from './facts.ts';
import { filesBelow } from './files-below.ts';
import { includedFiles } from './included.ts';
import { SECRET_SCAN_MAX_BYTES } from './limits.ts';
import { checkLocked, readLockfile, type Lockfile } from './lockfile.ts';
import { hostPlatform, parsePlatform, type Platform } from './native.ts';
import { packageFiles, placePackages, type PlacedPackage } from './outside.ts';
import { isInstalled, PackageFinder, type Package } from './package-root.ts';
import { plan } from './plan.ts';
import { findSecrets } from './secrets.ts';
import { packTarball } from './tarballs.ts';
import { warningsOf } from './warnings.ts';
import { write } from './write.ts';

/** A service, imported, and where it came from. */
export interface LoadedService {
  readonly service: ServiceDefinition;
  /** The file that the user names it by. */
  readonly source: string;
  /** The JavaScript module that a worker process imports to find the same service. */
  readonly module: string;
  readonly exportName: string;
}

export interface BuildOptions {
  /** Imports the service that a target such as `src/service.ts:svc`, or the project, names; the command's own compiles TypeScript. */
  readonly load: (target: string, project: string) => Promise<LoadedService>;
  /** @default `bentofile.yaml` in the project */
  readonly bentofile?: string | undefined;
  /** Of the bento. @default a new one of 16 characters */
  readonly version?: string | undefined;
  /** The only platform whose native packages go in, as Docker writes it: `linux/arm64`. @default this machine's */
  readonly platform?: string | undefined;
  /** The home of the stores. @default as `@ekiben/store` finds it */
  readonly home?: string | undefined;
}

export interface BuiltBento extends StoredBento {
  /** What the user should know of. */
  readonly warnings: readonly string[];
}

/**
 * Builds a bento from the project in a directory, into the store. The same project makes the same bytes, but for version and creation
 * time.
 * @throws EKIBEN_BENTOFILE_INVALID, EKIBEN_BENTOFILE_NOT_FOUND, EKIBEN_COMPILE_FAILED, EKIBEN_SECRET_FOUND, EKIBEN_INCLUDE_REFUSED,
 *   EKIBEN_DEPENDENCY_MISSING, EKIBEN_DEPENDENCY_AMBIGUOUS, EKIBEN_LOCKFILE_INVALID, EKIBEN_LOCKFILE_OUTDATED,
 *   EKIBEN_PLATFORM_MISSING, EKIBEN_PLATFORM_UNKNOWN, EKIBEN_MODEL_NOT_FOUND, EKIBEN_ALREADY_EXISTS, and what loading the service
 *   throws; nothing is in the store then
 */
export async function build(directory: string, options: BuildOptions): Promise<BuiltBento> {
  const project = realpathSync(resolve(directory));
  // What the store would say in the end.
  if (options.version !== undefined) requireNewTag('bento', options.version);
  const { facts, warnings } = await collect(project, options);
  const bento = await write(plan(facts), new BentoStore(options.home), options.version);
  return { ...bento, warnings };
}

async function collect(project: string, options: BuildOptions): Promise<{ facts: Facts; warnings: string[] }> {
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform);
  const bentofile = await readBentofile(project, options.bentofile);
  const finder = new PackageFinder();
  const node = nodeVersion(bentofile, finder.of(project));
  const bundleOf = (service: string, exportName: string): Promise<Bundle> =>
    cachedBundle(
      { project, service, exportName, outside: bentofile.node.packages, packages: bentofile.node.bundle, node, finder },
      join(storeHome(options.home), 'ekiben', 'bundles'),
    );
  // The bundler works in a process of its own; where the service is known beforehand, it need not wait.
  const [, file, exportName] = /^(.+):([\w$]+)$/.exec(bentofile.service ?? '') ?? [];
  const early =
    file === undefined || exportName === undefined ? undefined : bundleOf(resolve(project, file), exportName);
  early?.catch(() => {}); // what it throws is seen below
  const store = new ModelStore(options.home);
  const pins = await resolveNamed(bentofile.models, store);
  const [{ loaded, asked, service }, included, lockfile] = await Promise.all([
    asServed(bentofile, pins, () => loadFacts(project, bentofile.service ?? '.', pins, options)),
    includedFiles(project, bentofile.include, bentofile.exclude),
    readLockfile(project, bentofile.node),
  ]);
  const bundled = await (early ?? bundleOf(loaded.source, loaded.exportName));
  const { models, pinnedTags } = await collectModels(loaded.service, asked, pins, store);
  const { setupScript, template } = bentofile.docker;
  const docker = [setupScript, template].flatMap((file) => (file === undefined ? [] : [file.path]));
  await refuseSecrets(project, [...included.map(({ path }) => path), ...bundled.ours, ...docker]);
  const outside = await collectOutside(bundled, { project, finder, platform, lockfile });
  checkLocked(lockfile, [...bundled.inside, ...outside.outside.map(({ placed }) => placed)].filter(isInstalled));
  const facts: Facts = {
    bentofile,
    service,
    models,
    pinnedTags,
    included,
    bundle: bundled,
    ...outside,
    lockfile,
    platform,
    node,
    builderVersion: builderVersion(),
  };
  return { facts, warnings: warningsOf(facts) };
}

/** Major version: as said, else the oldest that the project runs on. */
function nodeVersion({ node, docker }: Bentofile, project: Package | undefined): string {
  const said = node.version ?? docker.nodeVersion;
  const engines = project?.manifest.engines?.['node'];
  return /\d+/.exec(said ?? engines ?? OLDEST_NODE)?.[0] ?? OLDEST_NODE;
}

const OLDEST_NODE = '20';

interface LoadedFacts {
  readonly loaded: LoadedService;
  readonly service: ServiceFacts;
  /** Every model that the program asked the store for. */
  readonly asked: readonly TagResolved[];
}

/** What the service calls a model → `name:version`. */
type Pins = Readonly<Record<string, string>>;

/** With the environment that `serve` gives the bento, as far as the bentofile says it. */
async function asServed<T>({ envs }: Bentofile, pins: Pins, run: () => Promise<T>): Promise<T> {
  const given = JSON.parse(process.env['EKIBEN_PINNED_TAGS'] || '{}') as Pins;
  const variables = new Map([['EKIBEN_PINNED_TAGS', JSON.stringify({ ...given, ...pins })]]);
  for (const { name, value } of envs) {
    if (value !== undefined && process.env[name] === undefined) variables.set(name, value);
  }
  const before = [...variables.keys()].map((name) => [name, process.env[name]] as const);
  for (const [name, value] of variables) process.env[name] = value;
  try {
    return await run();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

async function loadFacts(
  project: string,
  target: string,
  pinnedTags: Pins,
  { load }: BuildOptions,
): Promise<LoadedFacts> {
  const asked: TagResolved[] = [];
  const listen = (message: unknown): void => void asked.push(message as TagResolved);
  subscribe('ekiben:store:resolved', listen);
  try {
    const loaded = await load(target, project);
    const { service, exportName, module, source } = loaded;
    const started = await startRunners(service.runners, { module, exportName, pinnedTags });
    const placements = new Map(started.status().map(({ name, placement }) => [name, placement]));
    await started.close();
    const facts: ServiceFacts = {
      name: service.name,
      target: `${relative(project, source).replaceAll(sep, '/')}:${exportName}`,
      exportName,
      apis: service.apis.map(({ name, method, path, input, output }) => ({
        name,
        method,
        path,
        input: descriptorName(input.mediaTypes[0]),
        output: descriptorName(output.contentType),
      })),
      runners: service.runners.map((runner) => {
        const { name, models } = runner[runnerInfo];
        return { name, models, placement: placements.get(name) ?? 'embedded' };
      }),
      openapi: openApi(service, 'not available'),
    };
    return { loaded, service: facts, asked };
  } finally {
    unsubscribe('ekiben:store:resolved', listen);
  }
}

/** By media type, as BentoML calls what reads it. */
function descriptorName(mediaType = ''): string {
  if (/json/.test(mediaType)) return 'JSON';
  if (mediaType.startsWith('text/')) return 'Text';
  if (mediaType.startsWith('image/')) return 'Image';
  return mediaType.startsWith('multipart/') ? 'Multipart' : 'File';
}

async function collectModels(
  service: ServiceDefinition,
  asked: readonly TagResolved[],
  named: Pins,
  store: ModelStore,
): Promise<{ models: readonly ModelFacts[]; pinnedTags: Pins }> {
  const pins = new Map([...asked.map(({ tag, resolved }) => [tag, resolved] as const), ...Object.entries(named)]);
  const tags = new Set([
    ...Object.values(named),
    ...asked.map(({ resolved }) => resolved),
    ...service.runners.flatMap((runner) => runner[runnerInfo].models),
    ...((service as { readonly models?: readonly { readonly tag: string }[] }).models?.map(({ tag }) => tag) ?? []),
  ]);
  const models = await Promise.all([...tags].toSorted().map(async (tag) => modelFacts(await store.get(tag))));
  // A version stands for itself.
  const pinned = [...pins].filter(([name, tag]) => name !== tag).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { models, pinnedTags: Object.fromEntries(pinned) };
}

function pinName(tag: string): string {
  const { name, version = 'latest' } = parseTag(tag);
  return `${name}:${version}`;
}

async function resolveNamed(models: readonly BentofileModel[], store: ModelStore): Promise<Pins> {
  const pins = models.map(async (model) => [pinName(model.alias ?? model.tag), await resolveModel(model, store)]);
  return Object.fromEntries((await Promise.all(pins)) as [string, string][]);
}

/** @throws EKIBEN_MODEL_NOT_FOUND */
async function resolveModel({ tag, labels }: BentofileModel, store: ModelStore): Promise<string> {
  if (Object.keys(labels).length === 0) return store.resolve(tag);
  const { name, version } = parseTag(tag);
  const [newest] = await store.list({ name, labels });
  if (newest !== undefined && (version === undefined || version === 'latest')) return newest.tag;
  const wanted = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  throw new EkibenError(
    'EKIBEN_MODEL_NOT_FOUND',
    `No model '${tag}' has the labels ${wanted.join(', ')}; a filter goes with a name alone.`,
  );
}

async function modelFacts({
  tag,
  name,
  version,
  module,
  creationTime,
  context,
  path,
}: StoredModel): Promise<ModelFacts> {
  const { frameworkVersions } = context;
  return { tag, name, version, module, creationTime, frameworkVersions, files: await filesBelow(path) };
}

/** @throws EKIBEN_SECRET_FOUND with every place */
async function refuseSecrets(project: string, paths: readonly string[]): Promise<void> {
  const places = await mapAtOnce([...new Set(paths)], async (path) => {
    const file = join(project, path);
    if ((await stat(file)).size > SECRET_SCAN_MAX_BYTES) return [];
    return findSecrets(await readFile(file)).map(({ line, kind }) => `${path}:${line}: ${kind}`);
  });
  const found = places.flat();
  if (found.length === 0) return;
  throw new EkibenError(
    'EKIBEN_SECRET_FOUND',
    `Secrets would go into the bento, where everybody who has it can read them:\n${found.join('\n')}\nTake them out, and read them from the environment when the service runs (envs).`,
    { details: { places: found } },
  );
}

interface OutsideOptions {
  readonly project: string;
  readonly finder: PackageFinder;
  readonly platform: Platform;
  readonly lockfile: Lockfile;
}

async function collectOutside(
  { inside, outside, fewFiles }: Bundle,
  options: OutsideOptions,
): Promise<Pick<Facts, 'outside' | 'locked' | 'tarballs'>> {
  // As an installation has it; the bento does without what serving never loads.
  const locked = placePackages(outside, { ...options, omit: new Set() });
  const omit = new Set([...inside, ...locked].flatMap(({ manifest }) => manifest.ekiben?.bento?.omit ?? []));
  const placed = placePackages(outside, { ...options, omit });
  const versions = new Map(locked.map(({ manifest }) => [manifest.name, manifest.version]));
  const packages = await Promise.all(
    placed.map(async (each): Promise<OutsidePackage> => ({
      placed: each,
      files: await packageFiles(each, options.platform, fewFiles.get(each.manifest.name)),
    })),
  );
  return { outside: packages, locked, tarballs: await packOwn(locked, options, versions) };
}

async function packOwn(
  locked: readonly PlacedPackage[],
  { platform, lockfile }: OutsideOptions,
  versions: ReadonlyMap<string, string>,
): Promise<readonly Tarball[]> {
  const isOwn = (each: PlacedPackage): boolean =>
    !isInstalled(each) || lockfile.packages.get(`${each.manifest.name}@${each.manifest.version}`)?.isLocal === true;
  const own = new Map(locked.filter(isOwn).map((each) => [each.dir, each]));
  return Promise.all(
    [...own.values()].map(async (each) =>
      packTarball(each, await packageFiles(each, platform, undefined), (name) => versions.get(name)),
    ),
  );
}

function builderVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
