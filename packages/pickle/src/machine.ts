import type { PickleNode, PickleObject } from '@ekiben/spec';
import { Cursor } from './cursor.ts';
import type { PickleLimits } from './limits.ts';
import { invalid, overLimit } from './problem.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * An object that is still being read. Everything that the pickle writes about it is kept; nothing is looked up or
 * called.
 */
export type OpenObject = Mutable<PickleObject>;

/** Bytes that cost about as much as a node. */
const bytesPerNode = 64;

export function isPickleObject(node: PickleNode | undefined): node is PickleObject {
  return typeof node === 'object' && node !== null && 'kind' in node;
}

/** Tuples are frozen, which is how they differ from lists. */
export function isTuple(node: PickleNode | undefined): node is readonly PickleNode[] {
  return Array.isArray(node) && Object.isFrozen(node);
}

/** The stack machine that a pickle is a program for: a stack with marks, and a memo of earlier values. */
export class Machine {
  readonly input: Cursor;
  readonly limits: PickleLimits;
  readonly #stack: PickleNode[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleNode>();
  readonly #references = new WeakSet<PickleObject>();
  #nodes = 0;

  constructor(bytes: Uint8Array, limits: PickleLimits) {
    this.input = new Cursor(bytes);
    this.limits = limits;
  }

  push(node: PickleNode): void {
    this.#charge(1);
    this.#stack.push(node);
  }

  pop(): PickleNode {
    this.#requireValue();
    return this.#stack.pop() as PickleNode;
  }

  top(): PickleNode {
    this.#requireValue();
    return this.#stack.at(-1) as PickleNode;
  }

  #requireValue(): void {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) invalid('it takes a value, but none is on the stack');
  }

  mark(): void {
    this.#charge(1);
    this.#marks.push(this.#stack.length);
  }

  /** Takes everything above the last mark, and the mark. */
  popToMark(): PickleNode[] {
    const mark = this.#marks.pop();
    if (mark === undefined) invalid('it takes the values since a mark, but there is no mark');
    return this.#stack.splice(mark);
  }

  /** POP takes a value, or a mark when nothing is above it. */
  popValueOrMark(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  tuple(items: PickleNode[]): void {
    this.push(Object.freeze(items));
  }

  remember(index: number): void {
    const node = this.top();
    if (this.#memo.size >= this.limits.maxMemo) overLimit('maxMemo', this.limits.maxMemo);
    this.#memo.set(index, node);
  }

  rememberNext(): void {
    this.remember(this.#memo.size);
  }

  recall(index: number): void {
    const node = this.#memo.get(index);
    if (node === undefined) invalid(`nothing was remembered under ${index}`);
    this.push(node);
  }

  /** Pays for `bytes` that no byte of the pickle stands for, such as a copy of a remembered text. */
  chargeCopy(bytes: number): void {
    this.#charge(Math.floor(bytes / bytesPerNode));
  }

  #charge(nodes: number): void {
    this.#nodes += nodes;
    if (this.#nodes > this.limits.maxNodes) overLimit('maxNodes', this.limits.maxNodes);
  }

  /** A class or function itself, by its full name. */
  reference(name: string): PickleObject {
    this.chargeCopy(name.length);
    const reference = newObject(name, []);
    this.#references.add(reference);
    return reference;
  }

  /** True when the object is a class or function itself, and not the outcome of a call. */
  isReference(object: PickleObject): boolean {
    return this.#references.has(object);
  }
}

export function newObject(name: string, args: readonly PickleNode[]): OpenObject {
  return { kind: 'object', class: name, args, state: null };
}
