// `ekiben config …`
import { Option, type Command } from 'commander';

import type { ConfigOptions } from './actions.ts';

export function addConfigCommands(program: Command): void {
  const config = program
    .command('config')
    .helpCommand(false)
    .summary('Configuration Subcommands Groups')
    .description('Check and show the configuration of `ekiben serve`.');

  common(config.command('check'))
    .summary('Check the configuration')
    .description(
      'Check the configuration: the file, and the environment. Names every fault with its place, and what has no effect.',
    )
    .addHelpText('after', '\nExamples:\n  $ ekiben config check\n  $ ekiben config check bentoconfiguration.yaml')
    .action(async (file: string | undefined, options: ConfigOptions) => {
      const { check } = await import('./actions.ts');
      check(file, options);
    });

  common(config.command('show'))
    .summary('Show the configuration')
    .description('Show every key with its value, and where it comes from.')
    .addOption(new Option('-o, --output <FORMAT>', 'How to print.').choices(['json', 'yaml', 'table']).default('table'))
    .option('--set', 'Only what is set, without the defaults.')
    .addHelpText('after', '\nExamples:\n  $ ekiben config show --set\n  $ EKIBEN_PORT=3001 ekiben config show -o json')
    .action(
      async (file: string | undefined, options: ConfigOptions & { readonly output: string; readonly set?: true }) => {
        const { show } = await import('./actions.ts');
        await show(file, options);
      },
    );
}

function common(command: Command): Command {
  return command
    .usage('[OPTIONS] [FILE]')
    .argument('[FILE]', 'the configuration')
    .option('--working-dir <PATH>', 'Where bentoconfiguration.yaml is looked for.', '.');
}
