/** Bounds of the transport between processes, each with its reason. */

/** The largest frame. A batch of 100 full-size images as float32 is 60 MB; Node cannot make a Buffer above 4 GiB. */
export const MAX_FRAME_BYTES = 1 << 30;

/** How deep a value may nest: recursion stays far from the end of the stack. */
export const MAX_VALUE_DEPTH = 100;

/** NumPy allows 64 axes as well. */
export const MAX_TENSOR_AXES = 64;

/** The first frame tells who is there. It is small, and nobody may make us wait for a large one before we know him. */
export const MAX_HELLO_BYTES = 64 << 10;

/** A peer that has not said who it is by then does not speak our protocol. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Small frames are collected in blocks of this size, which is also what Node reads from a socket at once. */
export const BLOCK_BYTES = 64 << 10;

/** From this size on, bytes are sent from where they are, since one more system call vector is cheaper than the copy. */
export const ZERO_COPY_BYTES = 8 << 10;

/**
 * What is written before the end of the turn is sent when it reaches this size, so that the receiver can start on it: else the two processes
 * would work by turns. Some thirty small calls, beside which one more write costs little.
 */
export const EARLY_FLUSH_BYTES = 8 << 10;

/** Above this much unsent data the sender stops: calls wait on one side, and on the other no further calls are read. */
export const HIGH_WATER_BYTES = 4 << 20;

/**
 * MiB of old objects up to which V8 does not look for garbage among them in a worker. The memory of tensors counts, and dies young: from
 * V8's own few MiB on it would look a dozen times a second, for a fifth of the CPU time (`pnpm bench adapters`, the CNN).
 */
export const WORKER_OLD_SPACE_MIB = 128;

/** How many items a stream may be ahead of its reader. */
export const STREAM_WINDOW = 16;

/** How long a call waits for a worker that is being started again. Most models load in less. */
export const HOLD_CALLS_MS = 10_000;

/** How many calls may wait so; further ones are refused, since their callers would only time out. */
export const MAX_HELD_CALLS = 10_000;

/** Calls of one connection that a worker has at once; further ones stay in the socket. Ten full batches of the default size. */
export const MAX_RUNNING_CALLS = 1_000;

/** How long a worker whose supervisor is gone waits for its callers to leave: longer than the requests that they finish may take. */
export const ORPHAN_MS = 60_000;

/**
 * How long the calls of a caller are refused on his side, in ms, after a worker with too much to do has refused one. Long enough that it is
 * hardly asked; short enough that a queue of 100 ms does not run empty, and that a large call which was refused stops few smaller ones.
 */
export const REFUSE_MS = 25;

/** Callers that are remembered for that. When there are more, all are forgotten, which costs each a call to the worker. */
export const MAX_REFUSED_CALLERS = 1_000;
