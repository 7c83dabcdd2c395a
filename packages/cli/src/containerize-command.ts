// `ekiben containerize` and its flags, those of BentoML's included; what it does is loaded when it is called.
import { EkibenError } from '@ekiben/spec';
import { Option, type Command } from 'commander';

import type { ContainerizeCommandOptions } from './containerize.ts';

const BACKENDS = ['docker', 'podman', 'buildah', 'oci'];

/** Options of `docker build` that BentoML's command takes, and hands on as they are. */
const OF_THE_BUILD: readonly Option[] = [
  new Option('--build-arg <NAME=VALUE>', 'Set a variable of the build.'),
  new Option('--label <KEY=VALUE>', 'Label the image.'),
  new Option('--no-cache', 'Build every step anew.'),
  new Option('--pull', 'Look for a newer base image.'),
  new Option('--target <TEXT>', 'Stop at this stage of the Dockerfile.'),
  new Option('--secret <TEXT>', 'A secret for the build: id=npmrc,src=$HOME/.npmrc'),
  new Option('--ssh <TEXT>', 'An SSH agent or key for the build.'),
  new Option('--network <TEXT>', "The network of the build's steps."),
  new Option('--add-host <HOST:IP>', "A line of the build's /etc/hosts."),
  new Option('--build-context <NAME=PATH>', 'A further directory to copy from.'),
  new Option('--cache-from <TEXT>', 'Where earlier layers are found.'),
  new Option('--cache-to <TEXT>', 'Where layers are kept for others.'),
  new Option('--cgroup-parent <TEXT>', "The cgroup of the build's steps."),
  new Option('--iidfile <PATH>', "Write the image's ID to a file."),
  new Option('--shm-size <TEXT>', 'The size of /dev/shm.'),
  new Option('--ulimit <TEXT>', "A limit of the build's steps."),
  new Option('--allow <TEXT>', "Buildx's: an entitlement."),
  new Option('--builder <TEXT>', "Buildx's: which builder."),
  new Option('--metadata-file <PATH>', "Buildx's: write what was built to a file."),
  // Commander takes it for the opposite of --cache-filter, whose default would be true.
  new Option('--no-cache-filter <STAGE>', "Buildx's: stages to build anew.").default([], 'none'),
];

export function addContainerizeCommand(program: Command): void {
  const command = program
    .command('containerize')
    .summary('Make a container image of a bento')
    .description(
      'Make a container image of a bento: with Docker, Podman or Buildah and the Dockerfile of the bento, or with none of them.\n\n' +
        'The image serves on port 3000 in production mode. --backend oci writes it without any other program or daemon.',
    )
    .usage('[OPTIONS] BENTO_TAG')
    .argument('<BENTO_TAG>', 'name, name:version, name:latest or name:alias; or the directory of a bento')
    .option(
      '-t, --image-tag <NAME:TAG>',
      "The image's name, perhaps with a registry; may be several.  [default: the bento's tag]",
      collect,
    )
    .addOption(hidden('--docker-image-tag <NAME:TAG>').argParser(collect))
    .addOption(
      new Option(
        '--backend <NAME>',
        'What makes the image.  [default: the first of docker, podman and buildah that is installed, else oci]',
      ).choices(BACKENDS),
    )
    .option(
      '--platform <LIST>',
      "Such as linux/amd64,linux/arm64: one image for these.  [default: that of the bento's packages]",
      collectList,
    )
    .option('--push', 'Send the image to the registry that its name says.')
    .option('--output <PATH>', 'Write the image to a tar file; oci: or to a directory, in the OCI layout.')
    .option('--base-image <IMAGE>', "Build on this image.  [default: the bento's docker.base_image, or one of Node]")
    .option('-q, --quiet', 'Print nothing but errors.')
    .addOption(new Option('--load', "Put the image among Docker's own: the default.").hideHelp().conflicts('push'))
    .addOption(hidden('--progress <KIND>').choices(['auto', 'plain', 'tty']))
    .addOption(hidden('--opt <NAME=VALUE>').argParser(collect))
    .addOption(hidden('--enable-features <LIST>').argParser(refuseFeatures))
    .addOption(hidden('--verbose, --debug'))
    .addOption(hidden('--do-not-track'))
    .addHelpText(
      'after',
      '\nThe options from --build-arg on are those of docker build and its like, which hand them on; oci takes none of them.' +
        '\n\nExamples:\n  $ ekiben containerize credit_risk_classifier:latest' +
        '\n  $ ekiben containerize credit_risk_classifier:latest -t registry.example.com/risk:1.0 --platform linux/amd64,linux/arm64 --push' +
        '\n  $ ekiben containerize credit_risk_classifier:latest --backend oci --output risk.tar',
    );
  for (const option of OF_THE_BUILD) command.addOption(option.required ? option.argParser(collect) : option);
  command.action(async (tag: string, options: ContainerizeCommandOptions & Readonly<Record<string, unknown>>) => {
    const { containerizeCommand } = await import('./containerize.ts');
    await containerizeCommand(tag, { ...options, buildOptions: buildOptions(options) });
  });
}

/** As they were typed, and what `--opt` says in their place. */
function buildOptions(options: Readonly<Record<string, unknown>> & { readonly opt?: readonly string[] }): string[] {
  const typed = OF_THE_BUILD.flatMap((option) => {
    const value = options[option.attributeName()];
    const flag = option.long ?? '';
    if (Array.isArray(value)) return value.flatMap((each: string) => [flag, each]);
    return value === !option.negate ? [flag] : [];
  });
  const others = (options.opt ?? []).flatMap((text) => {
    const [, name = '', value] = /^([^=]+)(?:=(.*))?$/s.exec(text) ?? [];
    return [`--${name}`, ...(value === undefined ? [] : [value])];
  });
  return [...typed, ...others];
}

function hidden(flags: string): Option {
  return new Option(flags).hideHelp();
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function collectList(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').map((each) => each.trim())];
}

function refuseFeatures(): never {
  throw new EkibenError(
    'EKIBEN_OPTION_NOT_OFFERED',
    '--enable-features is for packages of Python that BentoML leaves out of its images; a bento of Ekiben has what it imports. Leave it out.',
  );
}
