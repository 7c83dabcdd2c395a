/**
 * A Python pickle read as data by `@ekiben/pickle`. Dicts are Maps, lists and tuples arrays, and an instance of any class is an
 * inert {@link PickleObject}; only the codec that touches it gives it a meaning.
 */
export type PickleNode =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PickleNode[]
  | ReadonlySet<PickleNode>
  | ReadonlyMap<PickleNode, PickleNode>
  | PickleObject;

/** An instance (or, with no `args` and no `state`, possibly just a reference) of a Python class; nothing of it was executed. */
export interface PickleObject {
  readonly kind: 'object';
  /** Module and qualified name, such as `sklearn.feature_extraction._dict_vectorizer.DictVectorizer`. */
  readonly class: string;
  readonly args: readonly PickleNode[];
  readonly state: PickleNode;
  /** Keyword arguments, by name. */
  readonly kwargs?: ReadonlyMap<PickleNode, PickleNode> | undefined;
  /** What was appended to it: the content of a subclass of list or of a deque. */
  readonly listItems?: readonly PickleNode[] | undefined;
  /** What was set in it: the content of a subclass of dict, such as OrderedDict. */
  readonly dictItems?: ReadonlyMap<PickleNode, PickleNode> | undefined;
}

/** Reads and writes one kind of custom object: a value saved beside a model, such as the vectorizer that prepares its input. */
export interface CustomObjectCodec<T> {
  /** The Python classes it understands, as {@link PickleObject.class} names them. */
  readonly classes: readonly string[];
  /** @throws an EkibenError that names the class or field it does not understand. */
  decode(node: PickleNode): T;
  fromJson(value: unknown): T;
  toJson(value: T): unknown;
}

/** A value tied to its codec, so that one model can carry objects of several types. Made by {@link customObject}. */
export interface CustomObject {
  toJson(): unknown;
}

export function customObject<T>(value: T, codec: CustomObjectCodec<T>): CustomObject {
  return { toJson: () => codec.toJson(value) };
}
