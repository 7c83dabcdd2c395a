// From what is known to what goes into the bento: pure, nothing is read or written here.
import { BUNDLE_DIR } from './bundle.ts';
import { dockerfile, ENTRYPOINT, ENTRYPOINT_SCRIPT, HEALTH, INSTALL } from './docker.ts';
import type { Facts, ModelFacts } from './facts.ts';
import { formatPlatform } from './native.ts';
import { npmLockfile, npmManifest } from './npm-lock.ts';
import { readme } from './readme.ts';
import { sbom } from './sbom.ts';
import { yaml } from './yaml.ts';

export interface PlannedFile {
  /** In the bento, with `/`. */
  readonly path: string;
  readonly executable: boolean;
  /** The bytes themselves, or the file that has them. */
  readonly content: Uint8Array | { readonly source: string };
}

export interface Plan {
  readonly name: string;
  /** Sorted by path, without `bento.yaml`. */
  readonly files: readonly PlannedFile[];
  /** `bento.yaml` without what differs from build to build: version, creation time, and the digest of the rest. */
  readonly manifest: Readonly<Record<string, unknown>>;
}

export function plan(facts: Facts): Plan {
  const { docker } = facts.bentofile;
  const name = facts.bentofile.name ?? facts.service.name.toLowerCase();
  const text = (path: string, content: string, executable = false): PlannedFile => ({
    path,
    executable,
    content: Buffer.from(content),
  });
  const files: PlannedFile[] = [
    text('README.md', readme(name, facts)),
    text('apis/openapi.yaml', yaml(facts.service.openapi)),
    text('env/docker/Dockerfile', dockerfile(name, facts)),
    text('env/docker/entrypoint.mjs', ENTRYPOINT),
    text('env/docker/entrypoint.sh', ENTRYPOINT_SCRIPT, true),
    text('env/docker/health.mjs', HEALTH),
    ...(docker.setupScript === undefined ? [] : [text('env/docker/setup_script', docker.setupScript.content, true)]),
    ...(docker.template === undefined ? [] : [text('env/docker/Dockerfile.template', docker.template.content)]),
    text('env/node/package.json', json(npmManifest(name, facts))),
    text('env/node/package-lock.json', json(npmLockfile(name, facts))),
    text('env/node/install.sh', INSTALL, true),
    text('env/node/version.txt', `${facts.node}\n`),
    text('env/sbom.cdx.json', json(sbom(name, facts))),
    ...facts.tarballs.map(({ path, content }) => ({ path: `env/node/${path}`, executable: false, content })),
    ...facts.included.map(({ path, source, executable }) => ({ path: `src/${path}`, executable, content: { source } })),
    ...[...facts.bundle.files].map(([path, content]) => ({
      path: `src/${BUNDLE_DIR}/${path}`,
      executable: false,
      content,
    })),
    ...facts.outside.flatMap(({ placed, files: own }) =>
      own.map(({ path, source, executable }) => ({
        path: `${placed.path}/${path}`,
        executable,
        content: { source },
      })),
    ),
    ...facts.models.flatMap(({ name: model, version, files: own }) =>
      own.map(({ path, source, executable }) => ({
        path: `models/${model}/${version}/${path}`,
        executable,
        content: { source },
      })),
    ),
    ...latestModels(facts.models).map(({ name: model, version }) => text(`models/${model}/latest`, version)),
  ];
  return { name, files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), manifest: manifest(name, facts) };
}

/** Of every name the newest version, as BentoML's `latest` file has it. */
function latestModels(models: readonly ModelFacts[]): readonly ModelFacts[] {
  const latest = new Map<string, ModelFacts>();
  for (const model of models.toSorted((a, b) => Date.parse(a.creationTime) - Date.parse(b.creationTime))) {
    latest.set(model.name, model);
  }
  return [...latest.values()];
}

/** BentoML's fields in BentoML's order; what is only ours is in `node`, and in keys that BentoML does not read. */
function manifest(name: string, facts: Facts): Readonly<Record<string, unknown>> {
  const { bentofile, service, models, pinnedTags, bundle, outside, lockfile, platform, node } = facts;
  const { docker } = bentofile;
  return {
    service: service.target,
    name,
    labels: bentofile.labels,
    models: models.map(({ tag, module, creationTime }) => ({ tag, module, creation_time: creationTime })),
    runners: service.runners.map((runner) => ({
      name: runner.name,
      runnable_type: moduleOf(runner.models[0], models) ?? 'Runnable',
      models: runner.models,
      resource_config: null,
    })),
    apis: service.apis.map(({ name: api, input, output }) => ({ name: api, input_type: input, output_type: output })),
    docker: {
      distro: docker.distro,
      python_version: null,
      cuda_version: null,
      env: Object.keys(docker.env).length === 0 ? null : docker.env,
      system_packages: docker.systemPackages.length === 0 ? null : docker.systemPackages,
      setup_script: docker.setupScript?.path ?? null,
      base_image: docker.baseImage ?? null,
      dockerfile_template: docker.template?.path ?? null,
    },
    envs: bentofile.envs.map(({ name: variable, value }) => ({ name: variable, value: value ?? null })),
    ekiben_version: facts.builderVersion,
    node: {
      version: node,
      // BentoML refuses keys in `docker` that it does not know.
      docker_node_version: docker.nodeVersion ?? node,
      platform: formatPlatform(platform),
      package_manager: lockfile.manager,
      packages: outside.filter(({ placed }) => isTop(placed.path)).map(({ placed }) => placed.manifest.name),
      bundle: bentofile.node.bundle,
      module: `src/${BUNDLE_DIR}/${bundle.service}`,
      export_name: service.exportName,
      server: `src/${BUNDLE_DIR}/${bundle.server}`,
      pinned_tags: pinnedTags,
      placements: Object.fromEntries(service.runners.map((runner) => [runner.name, runner.placement])),
    },
  };
}

function isTop(path: string): boolean {
  return path.split('node_modules/').length === 2;
}

function moduleOf(tag: string | undefined, models: readonly ModelFacts[]): string | undefined {
  return models.find((model) => model.tag === tag)?.module;
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
