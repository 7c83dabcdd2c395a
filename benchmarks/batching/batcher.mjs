// The real Batcher in the scenarios of the simulation: under its clock, or under the real one.
import { Batcher, systemClock } from '../../packages/batching/dist/index.js';
import { Events, Record, random } from './simulation.mjs';

/**
 * @param {object} options  of the Batcher, without `run` and `clock`
 * @param {import('./simulation.mjs').Scenario} scenario
 * @param {{ clock: import('@ekiben/batching').Clock, events: Events }} [time]  @default simulated
 */
export async function drive(options, { load, cost, concurrency, duration, seed, sloMs }, time = simulatedTime()) {
  const { clock, events } = time;
  const record = new Record(duration, sloMs);
  const costRandom = random(seed + 1);
  const batcher = new Batcher({
    ...options,
    concurrency,
    clock,
    run(calls) {
      record.batch(calls.length, clock.now());
      return new Promise((resolve) => events.at(events.now + cost(calls.length, costRandom), () => resolve(calls)));
    },
  });
  const submit = async (done) => {
    const arrivedAt = clock.now();
    record.arrived(arrivedAt);
    try {
      await batcher.run(arrivedAt);
      record.answered(arrivedAt, clock.now());
    } catch {
      record.refused(arrivedAt);
    }
    done();
  };
  load(events, (done) => void submit(done), random(seed));
  await events.run(duration);
  return record.result();
}

function simulatedTime() {
  const events = new SimulatedEvents();
  const clock = {
    now: () => events.now,
    after: (ms, callback) => events.at(events.now + ms, callback),
    endOfTurn: (callback) => void events.at(events.now, callback),
  };
  return { clock, events };
}

class SimulatedEvents extends Events {
  async run(duration) {
    while (this.now < duration && this.step()) await new Promise(setImmediate); // the promises of this event come first
  }
}

/** The system's clock, from now on, and events that happen by its timers; `late()` is how late 99 of 100 were at most, in ms. */
export function realTime() {
  const start = performance.now();
  const clock = { ...systemClock, now: () => performance.now() - start };
  const timers = new Set();
  const lateness = [];
  let nominal;
  const events = {
    // An event that is late, as timers are, does not make those late that follow from it.
    get now() {
      return nominal ?? clock.now();
    },
    at(time, run) {
      const fire = () => {
        timers.delete(timer);
        lateness.push(clock.now() - time);
        nominal = time;
        run();
        nominal = undefined;
      };
      const timer = setTimeout(fire, time - clock.now());
      timers.add(timer);
    },
    async run(duration) {
      await new Promise((resolve) => setTimeout(resolve, duration));
      for (const timer of timers) clearTimeout(timer);
    },
  };
  const late = () => lateness.sort((a, b) => a - b)[Math.floor(0.99 * lateness.length)];
  return { clock, events, late };
}
