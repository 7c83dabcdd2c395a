/**
 * Separators that a name may hold before strings are looked up by their joined name. Each is a place to cut the name
 * and so an entry more, and a name made of separators would cost the square of its length.
 */
const MAX_CUTS = 8;

/** The columns of feature names such as `age` and `home=rent`, found without joining name and value at each request. */
export class Vocabulary {
  readonly #separator: string;
  readonly #columns: ReadonlyMap<string, number>;
  readonly #byFeature: ReadonlyMap<string, ReadonlyMap<string, number>> | undefined;

  constructor(names: readonly string[], separator: string) {
    this.#separator = separator;
    this.#columns = new Map(names.map((name, column) => [name, column]));
    this.#byFeature = cut(names, separator);
  }

  /** The column of a number, or undefined for a feature that the vectorizer does not know. */
  numeric(feature: string): number | undefined {
    return this.#columns.get(feature);
  }

  /** The column that one string of a feature has for itself. */
  oneHot(feature: string, value: string): number | undefined {
    return this.#byFeature === undefined
      ? this.#columns.get(feature + this.#separator + value)
      : this.#byFeature.get(feature)?.get(value);
  }
}

/**
 * Columns by feature and string. Nothing tells whether `a=b=c` is the string `b=c` of `a` or the string `c` of `a=b`,
 * so it is both, which is just what finding it by the joined name means. Undefined where names have too many ways to be
 * cut.
 */
function cut(names: readonly string[], separator: string): Map<string, Map<string, number>> | undefined {
  if (separator === '') return undefined;
  const byFeature = new Map<string, Map<string, number>>();
  for (const [column, name] of names.entries()) {
    let cuts = 0;
    for (let at = name.indexOf(separator); at !== -1; at = name.indexOf(separator, at + 1)) {
      if (++cuts > MAX_CUTS) return undefined;
      const feature = name.slice(0, at);
      const strings = byFeature.get(feature) ?? new Map<string, number>();
      byFeature.set(feature, strings.set(name.slice(at + separator.length), column));
    }
  }
  return byFeature;
}
