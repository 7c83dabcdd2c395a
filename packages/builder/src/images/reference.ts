// What an image is called, by Docker's rules (https://github.com/distribution/reference): `node:20` is on Docker Hub.
import { EkibenError } from '@ekiben/spec';

export interface ImageReference {
  /** Host, and port where there is one: `ghcr.io`, `localhost:5000`, `docker.io`. */
  readonly registry: string;
  /** `team/credit-risk`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:…` */
  readonly digest: string | undefined;
}

export const DOCKER_HUB = 'docker.io';

const HOST = /^(?:\[[0-9a-f:]+\]|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)(?::\d{1,5})?$/i;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** As registries have it. */
const REPOSITORY_MAX = 255;

/** @throws EKIBEN_IMAGE_NAME_INVALID */
export function parseReference(text: string): ImageReference {
  const [named = '', digest] = text.split('@');
  const [, first = '', afterHost] = /^([^/]+)\/(.+)$/.exec(named) ?? [];
  const hasHost = afterHost !== undefined && (/[.:]/.test(first) || first === 'localhost');
  const registry = hasHost ? hubName(first) : DOCKER_HUB;
  const rest = hasHost ? afterHost : named;
  const [, path = '', tag] = /^([^:]*)(?::(.*))?$/s.exec(rest) ?? [];
  const repository = registry === DOCKER_HUB && path !== '' && !path.includes('/') ? `library/${path}` : path;
  if (!HOST.test(registry)) throw invalid(text, `'${registry}' is no host`);
  if (repository !== repository.toLowerCase()) throw invalid(text, 'capitals are not allowed before the tag');
  if (!REPOSITORY.test(repository) || repository.length > REPOSITORY_MAX) {
    throw invalid(text, `'${path}' is no name of a repository`);
  }
  if (tag !== undefined && !TAG.test(tag)) {
    throw invalid(text, `'${tag}' is no tag: at most 128 letters, digits, '_', '.' and '-'`);
  }
  if (digest !== undefined && !DIGEST.test(digest)) throw invalid(text, `'${digest}' is no digest of SHA-256`);
  return { registry, repository, tag, digest };
}

/** In full, with `latest` where neither tag nor digest is said. */
export function formatReference({ registry, repository, tag, digest }: ImageReference): string {
  const version = digest === undefined ? `:${tag ?? 'latest'}` : `${tag === undefined ? '' : `:${tag}`}@${digest}`;
  return `${registry}/${repository}${version}`;
}

function hubName(host: string): string {
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? DOCKER_HUB : host;
}

function invalid(text: string, why: string): EkibenError {
  return new EkibenError(
    'EKIBEN_IMAGE_NAME_INVALID',
    `${JSON.stringify(text.slice(0, 200))} is no name of an image: ${why}. Write it as registry.example.com/team/name:tag.`,
  );
}
