// Source maps of a bundle, cut down to the user's own files: those of packages would be the larger part of a bento.
import { decode, encode, type SourceMapSegment } from '@jridgewell/sourcemap-codec';

interface SourceMap {
  readonly version: 3;
  readonly sources: readonly string[];
  readonly sourcesContent?: readonly (string | null)[] | undefined;
  readonly names: readonly string[];
  readonly mappings: string;
}

/**
 * Changes maps of `files`, and takes out those that nothing is left of, with the comments that lead to them.
 * @param isOurs - of a source, as the maps name it
 */
export function mapOnly(files: Map<string, Uint8Array>, isOurs: (source: string) => boolean): void {
  for (const [name, bytes] of [...files].filter(([each]) => each.endsWith('.map'))) {
    const map = JSON.parse(text(bytes)) as SourceMap;
    const kept = map.sources.flatMap((source, index) => (isOurs(source) ? [index] : []));
    if (kept.length > 0) {
      files.set(name, Buffer.from(JSON.stringify(cutDown(map, kept))));
      continue;
    }
    files.delete(name);
    const module = name.slice(0, -'.map'.length);
    const code = text(files.get(module) ?? new Uint8Array());
    files.set(module, Buffer.from(code.replace(/\/\/# sourceMappingURL=.*\n?$/, '')));
  }
}

function cutDown(map: SourceMap, kept: readonly number[]): SourceMap {
  const places = new Map(kept.map((source, index) => [source, index]));
  const lines = decode(map.mappings).map((line) => {
    let wasOurs = false;
    return line.flatMap((segment): SourceMapSegment[] => {
      const place = segment.length === 1 ? undefined : places.get(segment[1]);
      if (place !== undefined && segment.length > 1) {
        wasOurs = true;
        return [[segment[0], place, segment[2] ?? 0, segment[3] ?? 0]];
      }
      // Where ours ends.
      const ends: SourceMapSegment[] = wasOurs ? [[segment[0]]] : [];
      wasOurs = false;
      return ends;
    });
  });
  return {
    version: 3,
    sources: kept.map((index) => map.sources[index] ?? ''),
    sourcesContent: kept.map((index) => map.sourcesContent?.[index] ?? null),
    names: [],
    mappings: encode(lines),
  };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
