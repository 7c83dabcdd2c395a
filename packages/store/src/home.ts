// Where the stores are and which tags are pinned: the only things that this library takes from the environment.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { EkibenError } from '@ekiben/spec';

/** `EKIBEN_HOME`, else `BENTOML_HOME`, else `~/bentoml`: one store for Python and Node. */
export function storeHome(home?: string): string {
  return resolve(home ?? (process.env['EKIBEN_HOME'] || process.env['BENTOML_HOME'] || join(homedir(), 'bentoml')));
}

/**
 * What a supervisor resolved for its children: `EKIBEN_PINNED_TAGS` is a JSON object such as
 * `{"credit_risk_model:latest": "credit_risk_model:sizn5hxhsk3i4ax4"}`, so that all of them serve the same version.
 * @throws EKIBEN_PINNED_TAGS_INVALID
 */
export function pinnedTags(json: string | undefined = process.env['EKIBEN_PINNED_TAGS']): ReadonlyMap<string, string> {
  if (json === undefined || json === '') return new Map();
  try {
    const pins = Object.entries(JSON.parse(json) as Record<string, unknown>);
    if (pins.every((pin): pin is [string, string] => typeof pin[1] === 'string')) return new Map(pins);
  } catch {
    // Falls through to the one error.
  }
  throw new EkibenError(
    'EKIBEN_PINNED_TAGS_INVALID',
    'EKIBEN_PINNED_TAGS must be a JSON object of tags, such as {"my_model:latest": "my_model:sizn5hxhsk3i4ax4"}',
  );
}
