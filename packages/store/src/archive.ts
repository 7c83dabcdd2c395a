// Archives as such, for what is packed outside a store. A subpath of its own: most programs never load the codecs.
export type { PackItem } from './archive/pack-item.ts';
export { writeArchive, type PackOptions } from './archive/write.ts';
