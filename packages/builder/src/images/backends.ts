// Docker, Podman and Buildah: the commands with which each builds, pushes and saves an image. Pure: nothing runs here.

export const BUILDERS = ['docker', 'podman', 'buildah'] as const;
export type Builder = (typeof BUILDERS)[number];

/** Options that the others do not have. */
const OF_BUILDX = [
  '--allow',
  '--attest',
  '--builder',
  '--metadata-file',
  '--no-cache-filter',
  '--provenance',
  '--sbom',
];

/** Whether a back end takes an option of `docker build`; what is no flag is the value of one. */
export function takesOption(backend: Builder | 'oci', option: string): boolean {
  if (!option.startsWith('-') || backend === 'docker') return true;
  return backend !== 'oci' && !OF_BUILDX.includes(option);
}

export interface BuildRequest {
  /** The bento's directory. */
  readonly context: string;
  readonly dockerfile: string;
  /** What the image is called, at least one name. */
  readonly images: readonly string[];
  /** As Docker writes them; several make one image for all of them. */
  readonly platforms: readonly string[];
  /** A directory with `linux/arm64/node_modules` and so on, where the packages in the bento are not those of the platforms. */
  readonly packages?: string | undefined;
  readonly base?: string | undefined;
  /** ISO 8601. */
  readonly created: string;
  readonly version: string;
  readonly push: boolean;
  /** A tar file. */
  readonly output?: string | undefined;
  /** Of `docker build`, `podman build` or `buildah build`, as they take them. */
  readonly buildOptions: readonly string[];
  /** Whether Docker has Buildx. */
  readonly buildx: boolean;
}

export interface BackendCommand {
  readonly step: 'build' | 'push' | 'save';
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Whether it does not matter if it fails. */
  readonly mayFail?: boolean | undefined;
}

/** One after the other. */
export function backendCommands(builder: Builder, request: BuildRequest): readonly BackendCommand[] {
  return request.platforms.length > 1 ? MANY[builder](request) : ONE[builder](request);
}

const ONE: Readonly<Record<Builder, (request: BuildRequest) => readonly BackendCommand[]>> = {
  docker: (request) => [
    request.buildx
      ? { step: 'build', args: ['buildx', 'build', '--load', ...common(request), ...named(request)] }
      : // Before Docker 23, BuildKit has to be asked for.
        { step: 'build', args: ['build', ...common(request), ...named(request)], env: { DOCKER_BUILDKIT: '1' } },
    ...pushes(request),
    ...(request.output === undefined
      ? []
      : [{ step: 'save', args: ['save', '--output', request.output, ...request.images] } as const]),
  ],
  podman: (request) => [
    // The health check is Docker's, and not in OCI's format.
    { step: 'build', args: ['build', '--format', 'docker', ...common(request), ...named(request)] },
    ...pushes(request),
    ...(request.output === undefined
      ? []
      : [
          {
            step: 'save',
            args: [
              'save',
              '--format',
              'docker-archive',
              '--multi-image-archive',
              '--output',
              request.output,
              ...request.images,
            ],
          } as const,
        ]),
  ],
  buildah: (request) => {
    const { images, output } = request;
    return [
      { step: 'build', args: ['build', '--layers', '--format', 'docker', ...common(request), ...named(request)] },
      ...pushes(request),
      ...(output === undefined
        ? []
        : [{ step: 'save', args: ['push', first(images), `docker-archive:${output}:${first(images)}`] } as const]),
    ];
  },
};

const MANY: typeof ONE = {
  docker: (request) => {
    const { output, push } = request;
    const destinations = [
      ...(push ? ['--output', 'type=registry'] : []),
      ...(output === undefined ? [] : ['--output', `type=oci,dest=${output}`]),
    ];
    const where = destinations.length === 0 ? ['--load'] : destinations;
    return [{ step: 'build', args: ['buildx', 'build', ...where, ...common(request), ...named(request)] }];
  },
  podman: manifestList,
  buildah: manifestList,
};

/** An image for each platform, and a list of these. */
function manifestList(request: BuildRequest): readonly BackendCommand[] {
  const { images, output, push, context } = request;
  const [list = '', ...others] = images;
  const build = ['build', '--layers', '--format', 'docker', ...common(request), '--manifest', list, context];
  return [
    // Or the images would be added to those of the list that has the name by now; an image of one platform is no list.
    { step: 'build', args: ['manifest', 'rm', list], mayFail: true },
    { step: 'build', args: ['rmi', list], mayFail: true },
    { step: 'build', args: build },
    ...(others.length === 0 ? [] : [{ step: 'build', args: ['tag', list, ...others] } as const]),
    ...(push ? images : []).map((image): BackendCommand => ({
      step: 'push',
      args: ['manifest', 'push', '--all', list, `docker://${image}`],
    })),
    ...(output === undefined
      ? []
      : [{ step: 'save', args: ['manifest', 'push', '--all', list, `oci-archive:${output}`] } as const]),
  ];
}

function common({
  dockerfile,
  platforms,
  packages,
  base,
  version,
  created,
  buildOptions,
}: BuildRequest): readonly string[] {
  return [
    '--file',
    dockerfile,
    '--platform',
    platforms.join(','),
    ...(packages === undefined ? [] : ['--build-context', `packages=${packages}`]),
    ...(base === undefined ? [] : ['--build-arg', `BASE_IMAGE=${base}`]),
    '--build-arg',
    `BENTO_VERSION=${version}`,
    '--build-arg',
    `BENTO_CREATED=${created}`,
    ...buildOptions,
  ];
}

function named({ images, context }: BuildRequest): readonly string[] {
  return [...images.flatMap((image) => ['--tag', image]), context];
}

function pushes({ images, push }: BuildRequest): readonly BackendCommand[] {
  return push ? images.map((image) => ({ step: 'push', args: ['push', image] })) : [];
}

function first(images: readonly string[]): string {
  return images[0] ?? '';
}
