// `ekiben containerize`: a bento becomes an image, with BentoML's words.
import { containerize, type Backend, type ContainerizedBento, type ContainerizeOptions } from '@ekiben/builder/images';
import { EkibenError } from '@ekiben/spec';

import { showProgress } from './store/progress.ts';

export interface ContainerizeCommandOptions {
  readonly imageTag?: readonly string[] | undefined;
  readonly dockerImageTag?: readonly string[] | undefined;
  readonly backend?: Backend | undefined;
  readonly platform?: readonly string[] | undefined;
  readonly push?: boolean | undefined;
  readonly output?: string | undefined;
  readonly baseImage?: string | undefined;
  readonly quiet?: boolean | undefined;
  readonly buildOptions?: readonly string[] | undefined;
}

export async function containerizeCommand(tag: string, options: ContainerizeCommandOptions): Promise<void> {
  const { quiet = false } = options;
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  try {
    const done = await containerize(tag, {
      images: [...(options.imageTag ?? []), ...(options.dockerImageTag ?? [])],
      backend: options.backend,
      platforms: options.platform,
      base: options.baseImage,
      buildOptions: options.buildOptions,
      signal: stop.signal,
      ...destination(options),
      ...(quiet ? {} : told()),
    });
    if (!quiet) console.log(summary(tag, done, options.push === true));
  } finally {
    process.off('SIGINT', interrupt);
    // All is tidied up: the process ends as it would have.
    if (stop.signal.aborted) process.kill(process.pid, 'SIGINT');
  }
}

/** BentoML's `--output` is Buildx's: `type=docker,dest=image.tar`. */
function destination({ output, push }: ContainerizeCommandOptions): Pick<ContainerizeOptions, 'push' | 'output'> {
  if (output === undefined || !/(^|,)type=/.test(output)) return { push, output };
  const fields = new Map(
    output
      .split(',')
      .map((field): [string, string] => [field.split('=', 1)[0] ?? '', field.slice(field.indexOf('=') + 1)]),
  );
  const file = fields.get('dest');
  switch (fields.get('type')) {
    case 'docker':
    case 'oci':
    case 'tar':
      return { push, output: file };
    case 'image':
    case 'registry':
      return { push: push === true || fields.get('type') === 'registry' || fields.get('push') === 'true' };
    default:
      throw new EkibenError(
        'EKIBEN_OPTION_NOT_OFFERED',
        `--output ${output}: an image goes into a tar file, \`--output image.tar\`, or to a registry, \`--push\`.`,
      );
  }
}

/** On stderr, as it happens. */
function told(): Pick<ContainerizeOptions, 'onBackend' | 'onLog' | 'onProgress'> {
  let shown: { readonly label: string; readonly bar: ReturnType<typeof showProgress> } | undefined;
  return {
    onBackend: (backend, { tag }) => console.error(`Building OCI-compliant image for ${tag} with ${backend}`),
    onLog: (line) => console.error(line),
    onProgress: ({ step, name, done = 0, total }) => {
      const label = `${step} ${name}`;
      if (shown?.label !== label) {
        shown?.bar.end();
        shown = { label, bar: showProgress(label, false) };
      }
      shown.bar.report(done, total);
      if (done === total) shown.bar.end();
    },
  };
}

function summary(tag: string, { backend, images, output }: ContainerizedBento, pushed: boolean): string {
  const [image = ''] = images;
  const runtime = backend === 'podman' || backend === 'buildah' ? 'podman' : 'docker';
  return [
    `Successfully built Bento container for "${tag}" with tag(s) "${images.join(',')}"`,
    ...(pushed ? [`Successfully pushed ${images.map((each) => `"${each}"`).join(', ')}`] : []),
    ...(output === undefined ? [] : [`The image is in ${output}`]),
    'To run your newly built Bento container, run:',
    // Ours is nowhere else.
    ...(backend === 'oci' && !pushed && output !== undefined ? [`    ${loading(output, image)}`] : []),
    `    ${runtime} run -it --rm -p 3000:3000 ${image} serve`,
  ].join('\n');
}

function loading(output: string, image: string): string {
  return output.endsWith('.tar') ? `docker load -i ${output}` : `skopeo copy oci:${output} docker-daemon:${image}`;
}
