import { EkibenError, type PickleNode } from '@ekiben/spec';
import { checkDepth } from './depth.ts';
import { withDefaults, type PickleLimitOptions } from './limits.ts';
import { Machine } from './machine.ts';
import { opcodes, STOP } from './opcodes.ts';
import { invalid, overLimit, Problem } from './problem.ts';

const codes = {
  TRUNCATED: 'EKIBEN_PICKLE_TRUNCATED',
  INVALID: 'EKIBEN_PICKLE_INVALID',
  UNSUPPORTED: 'EKIBEN_PICKLE_UNSUPPORTED',
  LIMIT: 'EKIBEN_PICKLE_LIMIT',
} as const;

/**
 * Reads a Python pickle of protocol 0 to 5 as data. Nothing is imported, looked up or called: whatever class or
 * function the pickle names, the outcome is a {@link PickleObject} that carries the name. Bytes after the end of the
 * pickle are ignored, as Python does.
 *
 * Dicts are Maps, sets Sets, lists arrays, tuples frozen arrays, `bytes` and `bytearray` views of the input. A float is
 * a number, and an int too where that is exact, else a bigint; a Python 2 string is text where it is ASCII, else bytes.
 * What the pickle shares is shared here too, and what contains itself does so here: walk unknown nodes with care.
 *
 * @throws EKIBEN_PICKLE_TRUNCATED, EKIBEN_PICKLE_INVALID, EKIBEN_PICKLE_UNSUPPORTED (protocol 6, out-of-band buffers,
 * extension codes) or EKIBEN_PICKLE_LIMIT, with the byte `offset` and the `opcode` in `details`.
 */
export function readPickle(bytes: Uint8Array, limits: PickleLimitOptions = {}): PickleNode {
  const machine = new Machine(bytes, withDefaults(limits));
  const at = { offset: 0, opcode: 'none' };
  try {
    return run(machine, bytes.length, at);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new EkibenError(
      codes[error.kind],
      `Cannot read the pickle: ${error.message} (opcode ${at.opcode} at byte ${at.offset} of ${bytes.length})`,
      { details: at },
    );
  }
}

function run(machine: Machine, length: number, at: { offset: number; opcode: string }): PickleNode {
  const { input, limits } = machine;
  if (length > limits.maxBytes) overLimit('maxBytes', limits.maxBytes);
  for (;;) {
    at.offset = input.offset;
    at.opcode = 'none';
    const code = input.uint8();
    const opcode = opcodes[code];
    if (opcode === undefined) return invalid(`0x${code.toString(16).padStart(2, '0')} is no opcode`);
    at.opcode = opcode.name;
    if (code === STOP) break;
    opcode.run(machine);
  }
  const root = machine.pop();
  checkDepth(root, limits.maxDepth);
  return root;
}
