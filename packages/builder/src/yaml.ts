import { dump } from 'js-yaml';

/** Lists not indented, lines not broken, nothing said by reference: as BentoML's files are. */
export function yaml(value: unknown): string {
  return dump(value, { seqNoIndent: true, lineWidth: -1, noRefs: true });
}
