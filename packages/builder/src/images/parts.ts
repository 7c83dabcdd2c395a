// Which file of a bento goes into which layer: those that change seldom lie below those that change with every build, so that a change
// of the code makes, and uploads, the last layer only.
import { BUNDLE_DIR } from '../bundle.ts';
import { HOME } from '../docker.ts';
import type { LayerFile } from './layer.ts';

/** From the root of the image. */
const BENTO_DIR = `${HOME.slice(1)}/bento`;

export const PARTS = ['dependencies', 'models', 'code'] as const;
export type Part = (typeof PARTS)[number];

/** A file of a bento, by its path in it. */
export type BentoFile = LayerFile;

/**
 * The packages, those in the bundle included, are dependencies; the bundle's module of the service is code.
 * @param module - the module of the service in the bento, such as `src/__bundle__/service.js`
 */
export function partOf(path: string, module: string): Part {
  if (path.startsWith('models/')) return 'models';
  if (path.startsWith('node_modules/')) return 'dependencies';
  const isBundle = path.startsWith(`src/${BUNDLE_DIR}/`) && !path.startsWith(module);
  return isBundle ? 'dependencies' : 'code';
}

/** Of every part its files, as they lie in the image; a part without any is left out. */
export function partsOf(
  files: readonly BentoFile[],
  module: string,
): readonly (readonly [Part, readonly LayerFile[]])[] {
  return PARTS.map((part): readonly [Part, readonly LayerFile[]] => [
    part,
    files
      .filter(({ path }) => partOf(path, module) === part)
      .map((file) => ({ ...file, path: `${BENTO_DIR}/${file.path}` })),
  ]).filter(([, own]) => own.length > 0);
}
