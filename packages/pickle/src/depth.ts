import type { PickleNode } from '@ekiben/spec';
import { isPickleObject } from './machine.ts';
import { overLimit } from './problem.ts';

type Container = Exclude<PickleNode, null | boolean | number | bigint | string | Uint8Array>;

/** Refuses nodes nested deeper than `max`, without recursion of its own. A value inside itself ends the count there. */
export function checkDepth(root: PickleNode, max: number): void {
  if (!isContainer(root)) return;
  const depths = new Map<Container, number>([[root, 0]]);
  const path = [{ node: root, children: children(root), below: 0 }];
  for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
    const next = last.children.next();
    if (next.done === true) {
      path.pop();
      depths.set(last.node, last.below + 1);
      const parent = path.at(-1);
      if (parent !== undefined) parent.below = Math.max(parent.below, last.below + 1);
      continue;
    }
    const child = next.value;
    if (!isContainer(child)) continue;
    const known = depths.get(child);
    if (known === undefined) {
      depths.set(child, 0);
      path.push({ node: child, children: children(child), below: 0 });
    } else {
      last.below = Math.max(last.below, known);
    }
    if (path.length + last.below > max) overLimit('maxDepth', max);
  }
}

function isContainer(node: PickleNode): node is Container {
  return typeof node === 'object' && node !== null && !(node instanceof Uint8Array);
}

function* children(node: Container): Generator<PickleNode, undefined> {
  if (isPickleObject(node)) {
    yield node.args;
    yield node.state;
    if (node.kwargs) yield node.kwargs;
    if (node.listItems) yield node.listItems;
    if (node.dictItems) yield node.dictItems;
  } else if (node instanceof Map) {
    for (const [key, value] of node as ReadonlyMap<PickleNode, PickleNode>) {
      yield key;
      yield value;
    }
  } else {
    yield* node as Iterable<PickleNode>;
  }
}
