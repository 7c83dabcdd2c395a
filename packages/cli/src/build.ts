// `ekiben build`: a project becomes a bento in the store.
import { build } from '@ekiben/builder';

import { loadService } from './load-service.ts';

export interface BuildCommandOptions {
  readonly bentofile?: string | undefined;
  readonly version?: string | undefined;
  readonly platform?: string | undefined;
  readonly output?: 'tag' | 'json' | undefined;
  readonly containerize?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

export async function buildCommand(
  directory: string,
  { output, containerize, quiet, ...options }: BuildCommandOptions,
): Promise<void> {
  const { tag, document, warnings } = await build(directory, { ...options, load: loadService });
  if (quiet !== true) for (const warning of warnings) console.error(`warning: ${warning}`);
  if (output === 'json') console.log(JSON.stringify(document, null, 2));
  else if (output === 'tag') console.log(`__tag__:${tag}`);
  else if (quiet !== true) console.log(`Successfully built Bento(tag="${tag}").`);
  if (containerize !== true) return;
  const { containerizeCommand } = await import('./containerize.ts');
  // Whoever reads what is printed wants the bento's tag and no more.
  await containerizeCommand(tag, { quiet: quiet === true || output !== undefined });
}
