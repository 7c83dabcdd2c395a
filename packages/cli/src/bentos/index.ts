// `ekiben list`, `ekiben get` and the other verbs for bentos.
import type { Command } from 'commander';

import { BENTOS } from '../store/kinds.ts';
import { addRefusedVerb, addStoreVerbs } from '../store/verbs.ts';

export function addBentoCommands(program: Command): void {
  addStoreVerbs(program, BENTOS);
  addRefusedVerb(
    program,
    'env',
    'there is no Python environment to print; `ekiben --version` and `node --version` tell the versions, `npm ls` the packages',
  );
}
