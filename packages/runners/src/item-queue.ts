/** The values of a stream that arrived before they were asked for. */
export class ItemQueue implements AsyncIterable<unknown> {
  readonly #items: unknown[] = [];
  #end: { readonly error?: unknown } | null = null;
  #wake = (): void => {};

  readonly push = (item: unknown): void => {
    this.#items.push(item);
    this.#wake();
  };

  readonly end = (): void => {
    this.#end ??= {};
    this.#wake();
  };

  /** The reader gets the values that came before, then the error. */
  readonly fail = (error: unknown): void => {
    this.#end ??= { error };
    this.#wake();
  };

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void> {
    for (;;) {
      while (this.#items.length > 0) yield this.#items.shift();
      if (this.#end !== null) break;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if ('error' in this.#end) throw this.#end.error;
  }
}
