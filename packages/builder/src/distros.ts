// The Linux distributions that `docker.distro` names, as BentoML has them.

export interface Distro {
  /** Of Node, by its version; undefined where nobody publishes one. */
  readonly image: ((node: string) => string) | undefined;
  /** The step that installs packages; what it downloads stays in the builder's cache. */
  readonly install: (packages: string) => string;
}

export type DistroName = 'debian' | 'alpine' | 'ubi8' | 'amazonlinux';

/** A package's version is for the user to say: `libvips42=8.14*`. Hence what hadolint is told to let pass. */
export const DISTROS: Readonly<Record<DistroName, Distro>> = {
  debian: {
    image: (node) => `docker.io/library/node:${node}-bookworm-slim`,
    install: (packages) => `# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \\
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \\
    rm -f /etc/apt/apt.conf.d/docker-clean \\
    && apt-get update \\
    && apt-get install --no-install-recommends --yes ${packages}`,
  },
  alpine: {
    image: (node) => `docker.io/library/node:${node}-alpine`,
    install: (packages) => `# hadolint ignore=DL3018,DL3019
RUN --mount=type=cache,target=/etc/apk/cache,sharing=locked \\
    apk add ${packages}`,
  },
  ubi8: {
    image: (node) => `registry.access.redhat.com/ubi8/nodejs-${node.split('.', 1)[0]}-minimal`,
    install: (packages) => `# hadolint ignore=DL3040,DL3041
RUN --mount=type=cache,target=/var/cache/yum,sharing=locked \\
    microdnf install --nodocs --setopt=install_weak_deps=0 --assumeyes ${packages}`,
  },
  amazonlinux: {
    image: undefined,
    install: (packages) => `# hadolint ignore=DL3040,DL3041
RUN --mount=type=cache,target=/var/cache/dnf,sharing=locked \\
    dnf install --nodocs --setopt=install_weak_deps=0 --assumeyes ${packages}`,
  },
};
