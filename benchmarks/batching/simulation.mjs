// A discrete-event simulation of a batching server: arrivals, one queue, workers, and a policy that says when to release what.

/** Seeded random numbers (mulberry32), so that every policy meets the same calls. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What happens when: a heap of { time, order, run }, times in ms. */
export class Events {
  #heap = [];
  #order = 0;
  now = 0;

  /** Calls `run` at `time`; the result cancels it. */
  at(time, run) {
    const event = { time: Math.max(time, this.now), order: this.#order++, run };
    const heap = this.#heap;
    let slot = heap.push(event) - 1;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      if (!before(event, heap[parent])) break;
      heap[slot] = heap[parent];
      slot = parent;
    }
    heap[slot] = event;
    return () => (event.run = undefined);
  }

  /** Runs the next event; false when there is none. */
  step() {
    const heap = this.#heap;
    const event = heap[0];
    if (event === undefined) return false;
    const last = heap.pop();
    if (last !== event) {
      let slot = 0;
      for (;;) {
        let child = 2 * slot + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
        if (!before(heap[child], last)) break;
        heap[slot] = heap[child];
        slot = child;
      }
      heap[slot] = last;
    }
    this.now = event.time;
    event.run?.();
    return true;
  }
}

const before = (a, b) => a.time < b.time || (a.time === b.time && a.order < b.order);

/**
 * @typedef {object} Scenario
 * @property {(events: Events, submit: (done: () => void) => void, random: () => number) => void} load  see loads.mjs
 * @property {(rows: number, random: () => number) => number} cost  ms of a batch
 * @property {number} concurrency  batches in flight at most
 * @property {number} duration  ms
 * @property {number} seed
 * @property {number} [sloMs]  an answer counts for the goodput when it comes within this
 */

/**
 * Runs a policy (see policies.mjs) through a scenario.
 *
 * @param {Scenario} scenario
 */
export function simulate(policy, { load, cost, concurrency, duration, seed, sloMs }) {
  const events = new Events();
  const record = new Record(duration, sloMs);
  const costRandom = random(seed + 1);
  const state = { queue: [], concurrency, inFlight: [], idleSince: -Infinity, busySince: -Infinity };
  let cancelWake;
  let turnScheduled = false;

  const submit = (done) => {
    const call = { arrivedAt: events.now, done };
    record.arrived(events.now);
    if (policy.refuses?.(state, events.now)) return refuse(call);
    state.queue.push(call);
    policy.arrived?.(events.now);
    scheduleTurn();
  };
  const refuse = (call) => {
    record.refused(call.arrivedAt);
    call.done();
  };
  // What happens at one moment is seen before anything is decided: the turn of an event loop.
  const scheduleTurn = () => {
    if (turnScheduled) return;
    turnScheduled = true;
    events.at(events.now, turn);
  };
  const turn = () => {
    turnScheduled = false;
    cancelWake?.();
    cancelWake = undefined;
    for (;;) {
      if (state.queue.length === 0) return;
      const { at, rows = 0, drop = 0 } = policy.next(state, events.now);
      if (drop > 0) for (const call of state.queue.splice(0, drop)) refuse(call);
      else if (at <= events.now) release(rows);
      else {
        if (at < Infinity) cancelWake = events.at(at, turn);
        return;
      }
    }
  };
  const release = (rows) => {
    const calls = state.queue.splice(0, rows);
    const batch = { rows: calls.length, startedAt: events.now };
    state.inFlight.push(batch);
    state.busySince = events.now;
    record.batch(calls.length, events.now);
    events.at(events.now + cost(calls.length, costRandom), () => {
      state.inFlight.splice(state.inFlight.indexOf(batch), 1);
      state.idleSince = events.now;
      const waited = batch.startedAt - calls[0].arrivedAt;
      policy.completed?.({ rows: batch.rows, ms: events.now - batch.startedAt, waited }, events.now);
      for (const call of calls) {
        record.answered(call.arrivedAt, events.now);
        call.done();
      }
      scheduleTurn();
    });
  };

  load(events, submit, random(seed));
  while (events.now < duration && events.step());
  return record.result();
}

/** What became of the calls that arrived after the first fifth of a run, its warm-up, and before its last tenth. */
export class Record {
  #from;
  #to;
  #sloMs;
  #latencies = [];
  #arrived = 0;
  #refused = 0;
  #completed = 0;
  #batches = 0;
  #rows = 0;

  constructor(duration, sloMs = Infinity) {
    this.#from = duration / 5;
    this.#to = duration * 0.9;
    this.#sloMs = sloMs;
  }

  arrived(now) {
    if (this.#counts(now)) this.#arrived++;
  }

  answered(arrivedAt, now) {
    if (!this.#counts(arrivedAt)) return;
    this.#latencies.push(now - arrivedAt);
    if (this.#counts(now)) this.#completed++;
  }

  refused(arrivedAt) {
    if (this.#counts(arrivedAt)) this.#refused++;
  }

  batch(rows, now) {
    if (!this.#counts(now)) return;
    this.#batches++;
    this.#rows += rows;
  }

  /** Rates in calls a second, latencies in ms. A call that was neither answered nor refused has waited for ever. */
  result() {
    const sorted = Float64Array.from(this.#latencies).sort();
    const accepted = this.#arrived - this.#refused;
    const quantile = (q) => sorted[Math.floor(q * accepted)] ?? Infinity;
    const seconds = (this.#to - this.#from) / 1000;
    return {
      throughput: this.#completed / seconds,
      goodput: sorted.filter((latency) => latency <= this.#sloMs).length / seconds,
      p50: quantile(0.5),
      p99: quantile(0.99),
      refused: this.#refused / this.#arrived,
      batchSize: this.#rows / this.#batches,
    };
  }

  #counts(time) {
    return time >= this.#from && time < this.#to;
  }
}
