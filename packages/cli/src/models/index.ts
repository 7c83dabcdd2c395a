// `ekiben models …`
import type { Command } from 'commander';

import { MODELS } from '../store/kinds.ts';
import { addStoreVerbs } from '../store/verbs.ts';

export function addModelsCommands(program: Command): void {
  const models = program
    .command('models')
    .helpCommand(false)
    .summary('Model Subcommands Groups')
    .description('List, move and check models.');
  addStoreVerbs(models, MODELS);
}
