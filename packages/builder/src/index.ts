export { readBentofile } from './bentofile.ts';
export type { Bentofile, BentofileModel, PackageManager } from './bentofile.ts';
