// The `ekiben` command. Each verb loads its package only when it is called, so that `--help` and completion stay quick.
import { readFileSync } from 'node:fs';

import { EkibenError } from '@ekiben/spec';
import { Command, CommanderError, Option } from 'commander';

import { addBentoCommands } from './bentos/index.ts';
import type { BuildCommandOptions } from './build.ts';
import { addCompletionCommands } from './completion/index.ts';
import { addContainerizeCommand } from './containerize-command.ts';
import { addModelsCommands } from './models/index.ts';
import { addConfigCommands } from './config/index.ts';
import type { OpenApiOptions } from './openapi.ts';
import { addServeCommand } from './serve-command.ts';

/** Exit codes, as Click gives them to BentoML's command: scripts may rely on them. */
const FAILED = 1;
const WRONG_USAGE = 2;

export interface RunOptions {
  /** The directory of the bento that this very program is a part of: `serve` serves it, whatever its TARGET says. */
  readonly bento?: string | undefined;
}

/**
 * Runs the command as if `ekiben ...args` had been typed, and returns its exit code: 0, 1 for a failure, 2 for wrong usage.
 * Errors are printed on stderr; nothing is thrown.
 */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<number> {
  try {
    await createProgram(args, options).parseAsync(args, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
    process.stderr.write(`Error: ${describe(error)}\n`);
    return FAILED;
  }
}

/** One line for what the user or the system did; a stack for what we did. */
function describe(error: unknown): string {
  if (EkibenError.is(error)) return error.message;
  if (typeof (error as NodeJS.ErrnoException | null)?.syscall === 'string') return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function createProgram(args: readonly string[], { bento }: RunOptions): Command {
  const program = new Command('ekiben')
    .description(
      'Serve machine-learning models from Node: the same store, archives and verbs as BentoML, with no Python.',
    )
    .version(readVersion(), '-v, --version', 'Show the version and exit.')
    .helpOption('-h, --help', 'Show this message and exit.')
    .helpCommand(false)
    // `--version` of `build` is the bento's.
    .enablePositionalOptions()
    .showHelpAfterError('(run with --help for the options)')
    .exitOverride();
  addServeCommand(program, args, bento);
  program
    .command('build')
    .summary('Build a bento from a project')
    .description(
      'Build a bento from a project: the service of its bentofile.yaml, with its models and its packages, in the local store.',
    )
    .usage('[OPTIONS] [BUILD_CTX]')
    .argument('[BUILD_CTX]', 'the directory of the project', '.')
    .option('-f, --bentofile <PATH>', 'The bentofile.  [default: bentofile.yaml in BUILD_CTX]')
    .option('--version <TEXT>', 'The version of the bento.  [default: a new one]')
    .option('--platform <TEXT>', 'For which platform native packages go in, such as linux/arm64.  [default: this one]')
    .addOption(new Option('-o, --output <FORMAT>', 'What to print.').choices(['tag', 'json']))
    .option('--containerize', 'Make an image of the bento, as `ekiben containerize` does.')
    .option('-q, --quiet', 'Print nothing but errors.')
    .addHelpText('after', '\nExamples:\n  $ ekiben build\n  $ ekiben build ./risk --version v1 -o tag')
    .action(async (directory: string, options: BuildCommandOptions) => {
      const { buildCommand } = await import('./build.ts');
      await buildCommand(directory, options);
    });
  addContainerizeCommand(program);
  addModelsCommands(program);
  addBentoCommands(program);
  program
    .command('openapi')
    .summary("Print a service's OpenAPI document")
    .description(
      "Print a service's OpenAPI document, as its /docs.json has it. No server is started.\n\nTARGET is that of `ekiben serve`, save bentos.",
    )
    .usage('[OPTIONS] [TARGET]')
    .argument('[TARGET]', 'such as src/service.ts:svc', '.')
    .option('--working-dir <PATH>', 'The directory in which TARGET is looked up.', '.')
    .option('--version <TEXT>', 'The version that the document gives.', 'not available')
    .addHelpText('after', '\nExample:\n  $ ekiben openapi src/service.ts:svc > openapi.json')
    .action(async (target: string, options: OpenApiOptions) => {
      const { openApiCommand } = await import('./openapi.ts');
      await openApiCommand(target, options);
    });
  addConfigCommands(program);
  addCompletionCommands(program);
  return program;
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
