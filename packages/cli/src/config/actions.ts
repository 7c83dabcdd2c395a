// What `ekiben config` does.
import process from 'node:process';

import { loadConfiguration } from '@ekiben/config';
import type { ConfiguredValue } from '@ekiben/config';

import { warn } from '../configure.ts';
import { formatTable } from '../store/table.ts';

export interface ConfigOptions {
  readonly workingDir: string;
}

/** @throws EKIBEN_CONFIG_INVALID, EKIBEN_CONFIG_NOT_FOUND */
export function check(file: string | undefined, options: ConfigOptions): void {
  const found = load(file, options);
  const where = found.file === null ? 'There is no file; the environment' : found.file;
  console.log(`${where} is right.`);
}

export async function show(
  file: string | undefined,
  { output, set, ...options }: ConfigOptions & { readonly output: string; readonly set?: true },
): Promise<void> {
  const { configuration } = load(file, options);
  const entries = configuration.entries().filter(({ from }) => set !== true || from !== 'default');
  if (output === 'json') console.log(JSON.stringify(entries, null, 2));
  else if (output === 'yaml') console.log((await import('js-yaml')).dump(entries).trimEnd());
  else console.log(formatTable(['Key', 'Value', 'From'], entries.map(row), process.stdout.columns));
}

function load(file: string | undefined, { workingDir }: ConfigOptions) {
  const found = loadConfiguration({ file, directory: workingDir });
  warn(found.configuration.warnings);
  return found;
}

const row = ({ key, value, from, place }: ConfiguredValue) => [
  key,
  value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value),
  place === '' ? from : place,
];
