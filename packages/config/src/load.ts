/** Finds and reads the file. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import type { Environment } from './layers.ts';
import { resolveConfiguration } from './resolve.ts';
import type { Configuration } from './resolve.ts';

/** The name under which a working directory has one; nobody has to say so. */
const FILE_NAME = 'bentoconfiguration.yaml';

export interface LoadOptions {
  /** The file. @default what EKIBEN_CONFIG or BENTOML_CONFIG names, else bentoconfiguration.yaml in `directory`, if there is one */
  readonly file?: string | undefined;
  /** Where relative names begin. @default the process's */
  readonly directory?: string | undefined;
  /** @default process.env */
  readonly env?: Environment | undefined;
  /** Flags of `ekiben serve` by name. @default none */
  readonly flags?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The configuration of a process, and the file that it came from; null if there is none.
 * @throws EKIBEN_CONFIG_NOT_FOUND, EKIBEN_CONFIG_INVALID
 */
export function loadConfiguration(options: LoadOptions = {}): { configuration: Configuration; file: string | null } {
  const { directory = '.', env = process.env, flags } = options;
  const named = options.file ?? (env.EKIBEN_CONFIG || env.BENTOML_CONFIG || undefined);
  const path = named ?? FILE_NAME;
  const text = read(resolve(directory, path), named !== undefined);
  const file = text === null ? undefined : { path, text };
  return { configuration: resolveConfiguration({ file, env, flags }), file: text === null ? null : path };
}

function read(file: string, isNamed: boolean): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !isNamed) return null;
    const why = code === 'ENOENT' ? 'there is no such file' : String(code);
    throw new EkibenError('EKIBEN_CONFIG_NOT_FOUND', `The configuration ${file} cannot be read: ${why}.`, { cause });
  }
}
