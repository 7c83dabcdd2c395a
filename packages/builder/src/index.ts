export { readBentofile } from './bentofile.ts';
export type { Bentofile, BentofileModel, PackageManager } from './bentofile.ts';
export { build } from './build.ts';
export type { BuildOptions, BuiltBento, LoadedService } from './build.ts';
export { verifyBento } from './verify.ts';
