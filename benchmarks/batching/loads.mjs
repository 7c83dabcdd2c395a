// How calls arrive. A load gets (events, submit, random) and sets the arrivals going; `submit(done)` makes one call.

const exponential = (mean, random) => -mean * Math.log(1 - random());

/** Independent callers: `rate` calls a second on average. */
export function poisson(rate) {
  return (events, submit, random) => {
    const next = () =>
      events.at(events.now + exponential(1000 / rate, random), () => {
        submit(() => {});
        next();
      });
    next();
  };
}

/** Poisson that is `peak` times as fast for a while (mean 200 ms) and silent for the rest; `rate` a second on average. */
export function onOff(rate, peak = 3) {
  return (events, submit, random) => {
    let on = true;
    const toggle = () => {
      on = !on;
      events.at(events.now + exponential(on ? 200 : 200 * (peak - 1), random), toggle);
      if (on) next();
    };
    const next = () => {
      events.at(events.now + exponential(1000 / (rate * peak), random), () => {
        if (!on) return;
        submit(() => {});
        next();
      });
    };
    events.at(0, next);
    events.at(exponential(200, random), toggle);
  };
}

/** Bursts of `size` calls, spread over `spread` ms; `rate` calls a second on average. */
export function bursts(rate, size = 32, spread = 2) {
  return (events, submit, random) => {
    const next = () =>
      events.at(events.now + exponential((1000 * size) / rate, random), () => {
        for (let i = 0; i < size; i++) events.at(events.now + random() * spread, () => submit(() => {}));
        next();
      });
    next();
  };
}

/**
 * `clients` that each call, wait for the answer, think (mean `think` ms, exponential) and call again. Without thinking they call in
 * the turn of the answer, like a loop that awaits.
 */
export function closedLoop(clients, think = 0) {
  return (events, submit, random) => {
    const call = () => submit(think === 0 ? call : () => events.at(events.now + exponential(think, random), call));
    for (let i = 0; i < clients; i++) events.at(random() * 10, call);
  };
}
