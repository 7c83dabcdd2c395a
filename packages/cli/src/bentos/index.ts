// `ekiben list`, `ekiben get` and the other verbs for bentos.
import type { Command } from 'commander';

import { BENTOS } from '../store/kinds.ts';
import { addStoreVerbs } from '../store/verbs.ts';

export function addBentoCommands(program: Command): void {
  addStoreVerbs(program, BENTOS);
}
