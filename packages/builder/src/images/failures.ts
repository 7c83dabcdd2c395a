// Why Docker, Podman or Buildah failed, from what they say, and what helps.
import { EkibenError, type ErrorCode } from '@ekiben/spec';
import type { BackendCommand, Builder } from './backends.ts';

interface Cause {
  readonly said: RegExp;
  readonly steps: readonly BackendCommand['step'][];
  readonly code: ErrorCode;
  readonly help: (builder: Builder) => string;
}

const ANY = ['build', 'push', 'save'] as const;

const CAUSES: readonly Cause[] = [
  {
    said: /cannot connect to (?:the docker daemon|podman)|error during connect|is the docker daemon running/i,
    steps: ANY,
    code: 'EKIBEN_BACKEND_NOT_RUNNING',
    help: (builder) => {
      const start = builder === 'docker' ? '`systemctl start docker`, or Docker Desktop' : '`podman machine start`';
      return `${builder} is installed, but its daemon does not answer: start it (${start}), set ${builder === 'docker' ? 'DOCKER_HOST' : 'CONTAINER_HOST'}, or use \`--backend oci\`, which needs none.`;
    },
  },
  {
    said: /permission denied.*docker\.sock/i,
    steps: ANY,
    code: 'EKIBEN_BACKEND_NOT_RUNNING',
    help: () =>
      'This user may not talk to the Docker daemon: add it to the group docker, or use `--backend podman` or `--backend oci`, which need no daemon.',
  },
  {
    said: /no space left on device|disk quota exceeded/i,
    steps: ANY,
    code: 'EKIBEN_IMAGE_DISK_FULL',
    help: (builder) =>
      `The disk is full: \`${builder === 'buildah' ? 'buildah prune' : `${builder} system prune`}\` removes what no image needs.`,
  },
  {
    said: /buildx component is missing|'buildx' is not a docker command|unknown command: docker buildx|unknown flag: --(?:mount|build-context)|--mount option requires BuildKit/i,
    steps: ['build'],
    code: 'EKIBEN_BACKEND_TOO_OLD',
    help: (builder) =>
      builder === 'docker'
        ? "The Dockerfile needs BuildKit: install Docker's Buildx (`apt-get install docker-buildx`, or docker-buildx-plugin from Docker), or use another back end."
        : `It takes ${builder === 'podman' ? 'Podman 4.2' : 'Buildah 1.27'} or newer; or use \`--backend oci\`.`,
  },
  {
    said: /exec format error/i,
    steps: ['build'],
    code: 'EKIBEN_IMAGE_BUILD_FAILED',
    help: () =>
      'A step of docker.system_packages, docker.setup_script or the template runs a program of another platform: install emulation (`docker run --privileged --rm tonistiigi/binfmt --install all`, or the package qemu-user-static), or build on a machine of that platform.',
  },
  {
    said: /no (?:matching )?manifest for|no image found in (?:manifest list|image index)|does not match the specified platform/i,
    steps: ['build'],
    code: 'EKIBEN_IMAGE_BUILD_FAILED',
    help: () => 'The base image does not exist for this platform: name another as docker.base_image.',
  },
  {
    said: /unauthori[sz]ed|denied|authentication required|no basic auth credentials|invalid username\/password/i,
    steps: ['push'],
    code: 'EKIBEN_IMAGE_PUSH_REFUSED',
    help: (builder) =>
      `The registry does not let this user push: \`${builder} login\`, or see whether the name is right.`,
  },
];

const CODES: Readonly<Record<BackendCommand['step'], ErrorCode>> = {
  build: 'EKIBEN_IMAGE_BUILD_FAILED',
  push: 'EKIBEN_IMAGE_PUSH_FAILED',
  save: 'EKIBEN_IMAGE_SAVE_FAILED',
};

export function backendFailure(
  builder: Builder,
  { step, args }: BackendCommand,
  code: number | null,
  lines: readonly string[],
): EkibenError {
  const text = lines.join('\n');
  const cause = CAUSES.find((each) => each.steps.includes(step) && each.said.test(text));
  const what = `\`${builder} ${args[0] === 'buildx' ? 'buildx build' : (args[0] ?? '')}\` failed (${code ?? 'ended by a signal'})`;
  const help = cause === undefined ? '' : `\n${cause.help(builder)}`;
  return new EkibenError(cause?.code ?? CODES[step], `${what}; it says:\n${text}${help}`, {
    details: { backend: builder, step },
  });
}

const PACKAGES: Readonly<Record<Builder, string>> = {
  docker: 'https://docs.docker.com/engine/install, or `apt-get install docker.io docker-buildx`',
  podman: '`apt-get install podman`, `dnf install podman` or `brew install podman`',
  buildah: '`apt-get install buildah` or `dnf install buildah`',
};

export function backendMissing(builder: Builder): EkibenError {
  return new EkibenError(
    'EKIBEN_BACKEND_NOT_INSTALLED',
    `${builder} is not installed: ${PACKAGES[builder]}; or use \`--backend oci\`, which needs no other program.`,
    { details: { backend: builder } },
  );
}
