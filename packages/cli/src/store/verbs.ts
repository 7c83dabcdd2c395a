// The verbs of the store with their arguments and help; what they do is loaded when they are called.
import { EkibenError } from '@ekiben/spec';
import { InvalidArgumentError, Option, type Command } from 'commander';

import type * as Actions from './actions.ts';
import type { StoreKind } from './kinds.ts';
import { printable } from './values.ts';

export function addStoreVerbs(parent: Command, kind: StoreKind): void {
  const { command, noun, nouns, title, example, extension } = kind;
  const TAG = `${noun.toUpperCase()}_TAG`;
  const NAME = `${noun.toUpperCase()}_NAME`;
  const PATH = `${noun.toUpperCase()}_PATH`;

  /** Runs an action, saying in errors which verb failed. */
  const act =
    <Values extends unknown[]>(
      verb: string,
      choose: (actions: typeof Actions) => (kind: StoreKind, ...values: Values) => Promise<void>,
    ) =>
    async (...values: Values): Promise<void> => {
      try {
        await choose(await import('./actions.ts'))(kind, ...values);
      } catch (error) {
        throw naming(error, kind.group, verb);
      }
    };

  common(parent.command('list'))
    .usage(`[OPTIONS] [${NAME}]`)
    .summary(`List ${title}s in local store`)
    .description(`List ${title}s in local store, newest first.`)
    .argument(`[${NAME}]`, 'only the versions of this name')
    .addOption(new Option('-o, --output <FORMAT>', 'How to print.').choices(['json', 'yaml', 'table']).default('table'))
    .option('--label <KEY=VALUE>', 'Only with this label; may be given several times.', collectLabel)
    .addOption(
      noun === 'model'
        ? new Option('--module <TEXT>', 'Only of this module, such as bentoml.xgboost.')
        : hidden('--module <TEXT>'),
    )
    .addHelpText('after', `\nExamples:\n  $ ${command} list\n  $ ${command} list ${example} --label stage=dev -o json`)
    .action(act('list', (actions) => actions.list));

  common(parent.command('get'))
    .usage(`[OPTIONS] ${TAG}`)
    .summary(`Print ${title} details`)
    .description(`Print ${title} details by providing the tag.`)
    .argument(`<${TAG}>`, 'name, name:version, name:latest or name:alias')
    .addOption(new Option('-o, --output <FORMAT>', 'How to print.').choices(['json', 'yaml', 'path']).default('yaml'))
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${command} get ${example}:latest\n  $ ${command} get ${example}:qojf5xauugwqtgxi --output=json`,
    )
    .action(act('get', (actions) => actions.get));

  common(parent.command('delete'))
    .usage('[OPTIONS] DELETE_TARGETS...')
    .summary(`Delete ${title} in local store`)
    .description(`Delete ${nouns} in local store: one version by its tag, or all versions of a name.`)
    .argument('<DELETE_TARGETS...>', 'tags or names, separated by spaces or commas')
    .option('-y, --yes', 'Skip confirmation.')
    .addOption(hidden('--assume-yes').implies({ yes: true }))
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${command} delete ${example}:v1\n  $ ${command} delete ${example}:v1,${example}:v2 --yes\n  $ ${command} delete ${example}`,
    )
    .action(act('delete', (actions) => actions.remove));

  common(parent.command('export'))
    .usage(`[OPTIONS] ${TAG} [OUT_PATH]`)
    .summary(`Export a ${title} to an external archive file`)
    .description(
      `Export a ${title} to an external archive file.\n\n` +
        `Without OUT_PATH it becomes name-version.${extension} in the current directory. Beside the native .${extension} (a tar.xz), the ` +
        "formats are 'tar', tar.gz ('gz'), tar.xz ('xz'), tar.bz2 ('bz2'), 'zip' and 'folder', by the name of OUT_PATH or by --format.",
    )
    .argument(`<${TAG}>`)
    .argument('[OUT_PATH]', "a path, a directory, s3://bucket/key, or '-' for the standard output")
    .option('--format <FORMAT>', 'The format, whatever the name says.')
    .option('--level <0-9>', 'How hard to compress.  [default: 6, 1 for large ones]', parseWhole)
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${command} export ${example}:latest\n  $ ${command} export ${example}:latest ./my_${noun}.${extension}\n  $ ${command} export ${example} s3://mybucket/${nouns}/my_${noun}.${extension}`,
    )
    .action(act('export', (actions) => actions.exportItem));

  common(parent.command('import'))
    .usage(`[OPTIONS] ${PATH}`)
    .summary(`Import a previously exported ${title} archive file`)
    .description(
      `Import a previously exported ${title} archive file, or a folder. The format is found out from the content.`,
    )
    .argument(`<${PATH}>`, "a path, s3://bucket/key, https://…, or '-' for the standard input")
    .option('-f, --force', 'Replace one of the same tag and other content.')
    .option('--max-bytes <INTEGER>', 'Refuse an archive that unpacks to more.  [default: 256 GiB]', parseWhole)
    .option(
      '--max-entries <INTEGER>',
      'Refuse an archive with more files and directories.  [default: 100000]',
      parseWhole,
    )
    .option('--max-depth <INTEGER>', 'Refuse directories that are nested deeper.  [default: 32]', parseWhole)
    .option(
      '--max-ratio <INTEGER>',
      'Refuse an archive that unpacks to more times its size.  [default: 200]',
      parseWhole,
    )
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${command} import ./my_${noun}.${extension}\n  $ ${command} import s3://mybucket/${nouns}/my_${noun}.${extension}`,
    )
    .action(act('import', (actions) => actions.importItem));

  common(parent.command('alias'))
    .usage(`[OPTIONS] ${TAG} [ALIAS]`)
    .summary(`Point an alias, such as production, at a ${title}`)
    .description(
      `Point an alias, such as production, at a version. Without ALIAS: show the aliases of a name and where they pointed.`,
    )
    .argument(`<${TAG}>`)
    .argument('[ALIAS]')
    .option('-d, --delete', 'Remove the alias.')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${command} alias ${example}:latest production\n  $ ${command} alias ${example}`,
    )
    .action(act('alias', (actions) => actions.alias));

  common(parent.command('rollback'))
    .usage(`[OPTIONS] ${NAME} ALIAS`)
    .summary('Point an alias at the version before')
    .description('Point an alias at the version before. Twice goes back two versions.')
    .argument(`<${NAME}>`)
    .argument('<ALIAS>')
    .addHelpText('after', `\nExamples:\n  $ ${command} rollback ${example} production`)
    .action(act('rollback', (actions) => actions.rollback));

  common(parent.command('verify'))
    .usage(`[OPTIONS] [${TAG}...]`)
    .summary(`Check ${nouns} against the digests taken when they came`)
    .description(
      `Check the files of ${nouns} against the SHA-256 digests taken when they were saved or imported. Exits with 1 if any is damaged.`,
    )
    .argument(`[${TAG}...]`, 'tags or names; all without')
    .option('--record', 'Take digests of what has none, such as what Python saved.')
    .addHelpText('after', `\nExamples:\n  $ ${command} verify\n  $ ${command} verify ${example}:latest`)
    .action(act('verify', (actions) => actions.verify));

  common(parent.command('prune'))
    .usage(`[OPTIONS] [${NAME}...]`)
    .summary('Free what no version needs any more')
    .description(
      `Remove what crashes and Python's deletions left behind. With --keep, delete old versions first, but none that an alias points at.`,
    )
    .argument(`[${NAME}...]`, 'for --keep: only these names')
    .option('--keep <INTEGER>', 'Keep this many of the newest versions of every name.', parseWhole)
    .option('-y, --yes', 'Skip confirmation.')
    .addOption(hidden('--assume-yes').implies({ yes: true }))
    .addHelpText('after', `\nExamples:\n  $ ${command} prune\n  $ ${command} prune ${example} --keep 5`)
    .action(act('prune', (actions) => actions.prune));

  for (const [verb, instead] of [
    ['push', `export ${example} s3://mybucket/${nouns}/`],
    ['pull', `import s3://mybucket/${nouns}/my_${noun}.${extension}`],
  ] as const) {
    addRefusedVerb(
      parent,
      verb,
      `there is no server to ${verb} ${verb === 'push' ? 'to' : 'from'}; object storage does the same: \`${command} ${instead}\``,
    );
  }
}

/** A verb that BentoML has, answered by what to do instead. */
export function addRefusedVerb(parent: Command, verb: string, instead: string): void {
  parent
    .command(verb, { hidden: true })
    .allowUnknownOption()
    .argument('[ARGUMENTS...]')
    .action(() => {
      throw new EkibenError('EKIBEN_VERB_NOT_OFFERED', instead);
    });
}

/** What BentoML's verbs all take. Nothing is ever reported to anybody, so the last two change nothing. */
function common(command: Command): Command {
  return command
    .option('-q, --quiet', 'Print nothing but errors.')
    .addOption(hidden('--verbose, --debug'))
    .addOption(hidden('--do-not-track'));
}

function hidden(flags: string): Option {
  return new Option(flags).hideHelp();
}

function naming(error: unknown, group: string, verb: string): unknown {
  if (!EkibenError.is(error)) return error;
  return new EkibenError(error.code, printable(`[${group}] \`${verb}\` failed: ${error.message}`), {
    details: error.details,
    cause: error,
  });
}

function collectLabel(
  text: string,
  before: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('A label is written key=value.');
  return { ...before, [key]: value };
}

function parseWhole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
