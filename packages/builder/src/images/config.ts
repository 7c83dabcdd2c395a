// What an image says of itself, over what its base said: pure.
import type { StoredBento } from '@ekiben/store';
import { HOME, USER } from '../docker.ts';
import { isObject, type ImageConfig } from './manifest.ts';

const BENTO = `${HOME}/bento`;
const PORT = 3000;
const SECOND_NS = 1_000_000_000;

export interface AddedLayer {
  readonly diffId: string;
  /** What is in it, for the history. */
  readonly what: string;
}

export interface ConfigInput {
  readonly bento: StoredBento;
  readonly base: ImageConfig;
  /** Over the base's. */
  readonly layers: readonly AddedLayer[];
  /** Absolute path of the program. */
  readonly node: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** With the keys that Docker adds to OCI's, such as the health check. */
export function imageConfig({
  bento,
  base,
  layers,
  node,
  labels,
}: ConfigInput): ImageConfig & { readonly created: string } {
  const { os, architecture, variant, config: before } = base;
  const created = creationTime(bento);
  const { Healthcheck: _1, OnBuild: _2, Cmd: _3, Entrypoint: _4, Shell: _5, ...kept } = before;
  return {
    created,
    os,
    architecture,
    ...(variant !== undefined && { variant }),
    config: {
      ...kept,
      User: USER,
      ExposedPorts: { ...(isObject(before['ExposedPorts']) && before['ExposedPorts']), [`${PORT}/tcp`]: {} },
      Env: environment(strings(before['Env']), [
        ['NODE_ENV', 'production'],
        ['BENTO_PATH', BENTO],
        ...ownVariables(bento),
      ]),
      Entrypoint: [node, `${BENTO}/env/docker/entrypoint.mjs`],
      Cmd: ['serve', '--production'],
      WorkingDir: BENTO,
      StopSignal: 'SIGTERM',
      Labels: { ...(isObject(before['Labels']) && before['Labels']), ...labels },
      Healthcheck: {
        Test: ['CMD', node, `${BENTO}/env/docker/health.mjs`],
        Interval: 10 * SECOND_NS,
        Timeout: 5 * SECOND_NS,
        StartPeriod: 30 * SECOND_NS,
      },
    },
    rootfs: { type: 'layers', diff_ids: [...base.rootfs.diff_ids, ...layers.map(({ diffId }) => diffId)] },
    history: [...base.history, ...layers.map(({ what }) => ({ created, created_by: `ekiben containerize: ${what}` }))],
  };
}

/** Of the bento: the same bento makes the same image, whenever that is. */
function creationTime({ creationTime: time }: StoredBento): string {
  return new Date(time).toISOString();
}

/** `docker.env` and `envs` of the bento; a variable of `envs` without a value is for whoever runs the image. */
function ownVariables({ document }: StoredBento): readonly (readonly [string, string])[] {
  const { env } = isObject(document['docker']) ? document['docker'] : {};
  const envs = Array.isArray(document['envs']) ? document['envs'].filter(isObject) : [];
  return [
    ...Object.entries(isObject(env) ? env : {}).map(([name, value]) => [name, String(value)] as const),
    ...envs.flatMap(({ name, value }) =>
      typeof name === 'string' && typeof value === 'string' ? [[name, value] as const] : [],
    ),
  ];
}

/** The later one of two with the same name counts. */
function environment(base: readonly string[], own: readonly (readonly [string, string])[]): readonly string[] {
  const variables = new Map([...base.map(split), ...own]);
  if (!variables.has('PATH')) variables.set('PATH', DEFAULT_PATH);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

/** Docker's own, where an image says none. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function split(line: string): readonly [string, string] {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}

export function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

/**
 * OCI's labels (https://github.com/opencontainers/image-spec/blob/main/annotations.md), which also annotate the manifest, and the
 * bento's own.
 */
export function labelsOf(
  bento: StoredBento,
  /** Its name where it has one in a registry: the path of a file would be that of a machine. */
  base: { readonly name: string | undefined; readonly digest: string | undefined },
): Readonly<Record<string, string>> {
  const { tag, name, version, labels } = bento;
  const digest = typeof bento.document['digest'] === 'string' ? bento.document['digest'] : undefined;
  return {
    ...labels,
    'org.opencontainers.image.title': name,
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.created': creationTime(bento),
    ...(base.name !== undefined && { 'org.opencontainers.image.base.name': base.name }),
    ...(base.digest !== undefined && { 'org.opencontainers.image.base.digest': base.digest }),
    'ekiben.bento.tag': tag,
    ...(digest !== undefined && { 'ekiben.bento.digest': digest }),
    'ekiben.bento.sbom': `${BENTO}/env/sbom.cdx.json`,
  };
}
