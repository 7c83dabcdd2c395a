// `containerize()`: a bento becomes an image, by Docker, Podman or Buildah and the bento's Dockerfile, or by ourselves (oci.ts).
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import { BentoStore, type StoredBento } from '@ekiben/store';
import { dockerPlatform, formatPlatform, hostPlatform, parsePlatform, type Platform } from '../native.ts';
import { backendCommands, BUILDERS, takesOption, type Builder } from './backends.ts';
import { buildContext } from './context.ts';
import { backendFailure, backendMissing } from './failures.ts';
import type { ImageProgress } from './oci.ts';
import { packagesPlatform } from './packages.ts';
import { runProgram } from './program.ts';
import { parseReference } from './reference.ts';

export const BACKENDS = [...BUILDERS, 'oci'] as const;
/** `oci` is ourselves, with no other program. */
export type Backend = (typeof BACKENDS)[number];

export interface ContainerizeOptions {
  /** What the image is called, such as `registry.example.com/team/risk:1.0`; may be several. @default the bento's tag */
  readonly images?: readonly string[] | undefined;
  /** @default the first of docker, podman and buildah that is installed, else oci */
  readonly backend?: Backend | undefined;
  /** As Docker writes them. Several make one image for all of them. @default that of the bento's packages, else Linux on this machine's CPU */
  readonly platforms?: readonly string[] | undefined;
  /** Sends the image to the registry that its name says. @default false */
  readonly push?: boolean | undefined;
  /** A tar file for `docker load`; `oci` writes a directory in the OCI layout where it does not end so. @default none; of `oci`, without `push`, `<name>-<version>.tar` */
  readonly output?: string | undefined;
  /** In place of the base image that the bento names. */
  readonly base?: string | undefined;
  /** Further options of `docker build` and its like: `['--no-cache', '--label', 'team=risk']`. Not for `oci`. */
  readonly buildOptions?: readonly string[] | undefined;
  /** The home of the stores. @default as `@ekiben/store` finds it */
  readonly home?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once it is decided what builds. */
  readonly onBackend?: ((backend: Backend, bento: StoredBento) => void) | undefined;
  /** What the back end says, line by line. */
  readonly onLog?: ((line: string) => void) | undefined;
  /** Of `oci`. */
  readonly onProgress?: ((progress: ImageProgress) => void) | undefined;
}

export interface ContainerizedBento {
  readonly bento: StoredBento;
  readonly backend: Backend;
  readonly images: readonly string[];
  /** As Docker writes them. */
  readonly platforms: readonly string[];
  /** The file or directory that was written. */
  readonly output: string | undefined;
  /** Of what `oci` wrote. */
  readonly digest: string | undefined;
}

/**
 * Makes an image of a bento of the store, or of a bento's directory.
 * @throws EKIBEN_BENTO_NOT_FOUND, EKIBEN_BENTO_IS_PYTHON, EKIBEN_IMAGE_NAME_INVALID, EKIBEN_PLATFORM_UNKNOWN,
 *   EKIBEN_PLATFORM_MISSING, EKIBEN_PACKAGES_NOT_INSTALLED, EKIBEN_BACKEND_NOT_INSTALLED, EKIBEN_BACKEND_NOT_RUNNING,
 *   EKIBEN_BACKEND_TOO_OLD, EKIBEN_BACKEND_OPTION_UNKNOWN, EKIBEN_IMAGE_BUILD_FAILED, EKIBEN_IMAGE_PUSH_FAILED, EKIBEN_IMAGE_PUSH_REFUSED,
 *   EKIBEN_IMAGE_SAVE_FAILED, EKIBEN_IMAGE_DISK_FULL, and what {@link writeOciImage} throws
 */
export async function containerize(tag: string, options: ContainerizeOptions = {}): Promise<ContainerizedBento> {
  const bento = await findBento(tag, options.home);
  const images = options.images === undefined || options.images.length === 0 ? [bento.tag] : options.images;
  for (const image of images) parseReference(image);
  const platforms = await platformsOf(bento, options.platforms);
  const backend = options.backend ?? BUILDERS.find(isInstalled) ?? 'oci';
  checkOptions(backend, options.buildOptions ?? []);
  options.onBackend?.(backend, bento);
  const task = { bento, images, platforms };
  const done = backend === 'oci' ? await writeOurselves(task, options) : await buildWith(backend, task, options);
  return { bento, backend, images, platforms: platforms.map(dockerPlatform), ...done };
}

interface Task {
  readonly bento: StoredBento;
  readonly images: readonly string[];
  readonly platforms: readonly Platform[];
}

type Done = Pick<ContainerizedBento, 'output' | 'digest'>;

async function findBento(tag: string, home: string | undefined): Promise<StoredBento> {
  const store = new BentoStore(home);
  const isDirectory = statSync(join(tag, 'bento.yaml'), { throwIfNoEntry: false }) !== undefined;
  const bento = await (isDirectory ? store.open(tag) : store.get(tag));
  if (bento.node !== undefined) return bento;
  throw new EkibenError(
    'EKIBEN_BENTO_IS_PYTHON',
    `Bento '${bento.tag}' was built by BentoML ${bento.bentomlVersion}: its image runs Python, which \`bentoml containerize ${bento.tag}\` makes.`,
    { details: { tag: bento.tag, service: bento.service } },
  );
}

async function platformsOf(bento: StoredBento, wanted: readonly string[] | undefined): Promise<readonly Platform[]> {
  const platforms = (wanted ?? []).map(parsePlatform);
  const foreign = platforms.find(({ os }) => os !== 'linux');
  if (foreign !== undefined) {
    throw new EkibenError(
      'EKIBEN_PLATFORM_UNKNOWN',
      `Images are for Linux, not for ${formatPlatform(foreign)}: linux/amd64 or linux/arm64.`,
    );
  }
  const { distro } = (bento.document['docker'] ?? {}) as { readonly distro?: string };
  const libc = distro === 'alpine' ? 'musl' : 'glibc';
  const { cpu } = (await packagesPlatform(bento)) ?? hostPlatform();
  if (platforms.length === 0) return [{ os: 'linux', cpu, libc }];
  return platforms.map((each) => ({ ...each, libc: each.libc === 'musl' ? 'musl' : libc }));
}

function isInstalled(program: string): boolean {
  const file = process.platform === 'win32' ? `${program}.exe` : program;
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, file), constants.X_OK);
      return statSync(join(folder, file)).isFile();
    } catch {
      return false;
    }
  });
}

function checkOptions(backend: Backend, buildOptions: readonly string[]): void {
  const refused = buildOptions.find((option) => !takesOption(backend, option.split('=', 1)[0] ?? ''));
  if (refused === undefined) return;
  const why =
    backend === 'oci'
      ? 'is for the steps of a Dockerfile, of which `oci` runs none'
      : `is Buildx's, and not ${backend}'s`;
  throw new EkibenError('EKIBEN_BACKEND_OPTION_UNKNOWN', `${refused} ${why}: leave it out, or take another back end.`, {
    details: { backend, option: refused },
  });
}

async function writeOurselves({ bento, images, platforms }: Task, options: ContainerizeOptions): Promise<Done> {
  const { parseImageSource, writeOciImage } = await import('./oci.ts');
  const { push = false, signal, onProgress, home } = options;
  const output = options.output ?? (push ? undefined : `${bento.name}-${bento.version}.tar`);
  const path = output === undefined ? undefined : resolve(output);
  const { digest } = await writeOciImage({
    bento,
    images,
    platforms,
    base: options.base === undefined ? undefined : parseImageSource(options.base),
    outputs: [
      ...(path === undefined ? [] : [{ kind: path.endsWith('.tar') ? ('tar' as const) : ('layout' as const), path }]),
      ...(push ? [{ kind: 'registry' as const }] : []),
    ],
    signal,
    onProgress,
    home,
  });
  return { output: path, digest };
}

async function buildWith(builder: Builder, task: Task, options: ContainerizeOptions): Promise<Done> {
  const { bento, images, platforms } = task;
  const { base, buildOptions = [], push = false, signal, onLog } = options;
  if (!isInstalled(builder)) throw backendMissing(builder);
  const output = options.output === undefined ? undefined : resolve(options.output);
  const buildx = builder === 'docker' && (await runProgram('docker', ['buildx', 'version'], { signal })).code === 0;
  const context = await buildContext(bento, platforms, options);
  try {
    const commands = backendCommands(builder, {
      context: context.bento,
      dockerfile: join(context.bento, 'env/docker/Dockerfile'),
      images,
      platforms: platforms.map(dockerPlatform),
      packages: context.packages,
      base,
      version: bento.version,
      created: new Date(bento.creationTime).toISOString(),
      push,
      output,
      buildOptions,
      buildx,
    });
    for (const command of commands) {
      const { args, env, mayFail = false } = command;
      const { code, lines } = await runProgram(builder, args, { env, signal, onLog: mayFail ? undefined : onLog });
      if (code !== 0 && !mayFail) throw backendFailure(builder, command, code ?? null, lines);
    }
  } finally {
    await context.remove();
  }
  return { output, digest: undefined };
}
