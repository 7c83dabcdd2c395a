/** The path of a key: `runners.my_model.resources."nvidia.com/gpu"`. A segment that is no word stands in quotes, as in BentoML. */

export type Path = readonly string[];

export function pathText(path: Path): string {
  return path.map((segment) => (/^[\w-]+$|^\*$/.test(segment) ? segment : JSON.stringify(segment))).join('.');
}

export function parsePath(text: string): Path {
  return [...text.matchAll(/"([^"]*)"|[^."]+/g)].map(([whole, quoted]) => quoted ?? whole);
}
