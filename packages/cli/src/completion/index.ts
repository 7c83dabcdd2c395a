// `ekiben completion`: the shell's Tab key completes verbs, options and tags.
import { Argument, type Command } from 'commander';

import { SHELLS, type Shell } from './scripts.ts';

export function addCompletionCommands(program: Command): void {
  program
    .command('completion')
    .summary('Print a completion script for bash, zsh or fish')
    .description('Print a script with which the Tab key completes verbs, options and tags.')
    .usage('SHELL')
    .addArgument(new Argument('<SHELL>').choices(SHELLS))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ source <(ekiben completion bash)     # in ~/.bashrc\n' +
        '  $ source <(ekiben completion zsh)      # in ~/.zshrc, after compinit\n' +
        '  $ ekiben completion fish | source      # in ~/.config/fish/config.fish',
    )
    .action(async (shell: Shell) => {
      const { completionScript } = await import('./scripts.ts');
      process.stdout.write(completionScript(shell));
    });

  program
    .command('_complete', { hidden: true })
    .argument('[WORDS...]')
    .action(async (words: readonly string[]) => {
      const { candidates } = await import('./candidates.ts');
      const found = await candidates(program, words, async (kind, prefix) => {
        const { models, bentos } = await import('@ekiben/store');
        return (kind === 'model' ? models : bentos).suggest(prefix);
      });
      if (found.length > 0) process.stdout.write(`${found.join('\n')}\n`);
    });
}
