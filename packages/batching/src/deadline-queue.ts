// Who is next: the caller that was served the fewest rows, and of its calls the one that is due first.
//
//                    callers: a heap by rows served
//            ┌───────────────┬───────────────┬───────────────┐
//            │ web     12    │ batch   14    │ mobile  15    │
//            └──────┬────────┴──────┬────────┴──────┬────────┘
//                   ▼               ▼               ▼
//               due 105         due 230         due 101         calls: a heap by due time each
//               due 110         due 231
//                               due 232
//                               …
//     next: web's 105, then (web at 13) web's 110, then batch's 230, …
//
// With calls of one row this is round robin over callers; with larger ones a caller pays for its rows. A caller that comes (back)
// starts level with the last one served: it neither overtakes everybody nor owes for the past.

/** What a {@link DeadlineQueue} holds. The mutable fields belong to the queue. */
export interface Queued {
  readonly caller: string;
  readonly rows: number;
  /** Smaller is served sooner, among calls of one caller. */
  readonly rank: number;
  /** Position in its heap, -1 when in none. */
  slot: number;
  /** Order of arrival, for equal ranks. */
  sequence: number;
}

interface Ranked {
  readonly rank: number;
  slot: number;
  sequence: number;
}

const before = (a: Ranked, b: Ranked) => a.rank < b.rank || (a.rank === b.rank && a.sequence < b.sequence);

/** A binary heap whose elements know their slot, so that a cancelled one leaves without a search. */
class Heap<T extends Ranked> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items.values();
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#up(item, this.#items.length - 1);
  }

  remove(item: T): void {
    const slot = item.slot;
    const last = this.#items.pop();
    item.slot = -1;
    if (last === undefined || last === item) return;
    this.#place(last, slot);
    this.reorder(last);
  }

  /** Restores the order after `item.rank` changed. */
  reorder(item: T): void {
    this.#up(item, item.slot);
    this.#down(item, item.slot);
  }

  #up(item: T, from: number): void {
    let slot = from;
    while (slot > 0) {
      const parentSlot = (slot - 1) >> 1;
      const parent = this.#items[parentSlot];
      if (parent === undefined || before(parent, item)) break;
      this.#place(parent, slot);
      slot = parentSlot;
    }
    this.#place(item, slot);
  }

  #down(item: T, from: number): void {
    let slot = from;
    for (;;) {
      const left = this.#items[2 * slot + 1];
      if (left === undefined) break;
      const right = this.#items[2 * slot + 2];
      const child = right !== undefined && before(right, left) ? right : left;
      if (before(item, child)) break;
      const childSlot = child.slot;
      this.#place(child, slot);
      slot = childSlot;
    }
    this.#place(item, slot);
  }

  #place(item: T, slot: number): void {
    this.#items[slot] = item;
    item.slot = slot;
  }
}

interface Caller<T extends Queued> extends Ranked {
  /** Rows served, on the scale of {@link DeadlineQueue}'s own progress. */
  rank: number;
  readonly name: string;
  readonly calls: Heap<T>;
  rows: number;
}

/** Fair between callers, earliest first within one. Holds only callers that wait. */
export class DeadlineQueue<T extends Queued> {
  readonly #callers = new Map<string, Caller<T>>();
  readonly #order = new Heap<Caller<T>>();
  /** The rank of the caller served last. */
  #progress = 0;
  #sequence = 0;
  #rows = 0;
  #size = 0;

  /** Calls queued. */
  get size(): number {
    return this.#size;
  }

  /** Their rows. */
  get rows(): number {
    return this.#rows;
  }

  get callers(): number {
    return this.#callers.size;
  }

  rowsOf(caller: string): number {
    return this.#callers.get(caller)?.rows ?? 0;
  }

  push(item: T): void {
    item.sequence = this.#sequence++;
    let caller = this.#callers.get(item.caller);
    if (caller === undefined) {
      const { sequence } = item;
      caller = { name: item.caller, calls: new Heap(), rows: 0, rank: this.#progress, slot: -1, sequence };
      this.#callers.set(item.caller, caller);
      this.#order.push(caller);
    }
    caller.calls.push(item);
    this.#count(caller, 1, item.rows);
  }

  peek(): T | undefined {
    return this.#order.peek()?.calls.peek();
  }

  shift(): T | undefined {
    const caller = this.#order.peek();
    const item = caller?.calls.peek();
    if (caller === undefined || item === undefined) return undefined;
    this.#progress = caller.rank;
    caller.rank += item.rows;
    caller.sequence = this.#sequence++; // of equally served callers, the one served longest ago
    this.#order.reorder(caller);
    this.#drop(caller, item);
    return item;
  }

  remove(item: T): void {
    const caller = this.#callers.get(item.caller);
    if (caller !== undefined && item.slot >= 0) this.#drop(caller, item);
  }

  *[Symbol.iterator](): Generator<T> {
    for (const caller of this.#order) yield* caller.calls;
  }

  #drop(caller: Caller<T>, item: T): void {
    caller.calls.remove(item);
    this.#count(caller, -1, -item.rows);
    if (caller.calls.size > 0) return;
    this.#callers.delete(caller.name);
    this.#order.remove(caller);
  }

  #count(caller: Caller<T>, calls: number, rows: number): void {
    this.#size += calls;
    this.#rows += rows;
    caller.rows += rows;
  }
}
