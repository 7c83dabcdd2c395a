/** A call of very many rows, computed here in pieces, so that the event loop turns in between. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isTensor } from '@ekiben/tensor';
import type { Compute } from './core.ts';
import { joinable, joinResults, pieceSizes, splitArgs } from './join.ts';
import type { Joinable } from './join.ts';
import type { MethodSignature } from './signatures.ts';

/** Calls of fewer rows are made whole: at 10 µs a row, which is much for a model that is embedded, they take {@link PIECE_MS}. */
const MANY_ROWS = 1_000;

/** The first piece, from which the size of the others is reckoned. */
const PROBE_ROWS = 250;

/** How long a piece may hold up the other requests, about. */
const PIECE_MS = 10;

/** The same method, except that a call of many rows answers in several turns, as a promise. */
export function inChunks(compute: Compute, { batchDim: [input, output] }: MethodSignature): Compute {
  return (...args) => {
    const [first] = args;
    if (!isTensor(first) || (first.shape[input] ?? 0) < MANY_ROWS) return compute(...args);
    const call = joinable(args, input);
    return call === null ? compute(...args) : computeInChunks(compute, call, input, output);
  };
}

async function computeInChunks(compute: Compute, call: Joinable, input: number, output: number): Promise<unknown> {
  const sizes = [PROBE_ROWS, call.rows - PROBE_ROWS];
  const [probe, rest] = splitArgs(call, sizes, input) as [Joinable, Joinable];
  const start = performance.now();
  const results = [await compute(...probe.args)];
  const perRow = (performance.now() - start) / PROBE_ROWS;
  const maxRows = Math.max(PROBE_ROWS, Math.floor(PIECE_MS / perRow));
  for (const piece of splitArgs(rest, pieceSizes(rest.rows, maxRows), input)) {
    await nextTurn();
    results.push(await compute(...piece.args));
  }
  return joinResults(results, output);
}
