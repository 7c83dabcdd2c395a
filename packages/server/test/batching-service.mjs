// A service whose calls meet in a process of their own; the process loads this file, too.
import { json } from '@ekiben/io-descriptors';
import { toRunner } from '@ekiben/runners';
import { Service } from '@ekiben/service';

const busy = (ms) => {
  for (const until = performance.now() + ms; performance.now() < until;);
};

class Texts {
  static signatures = { lengths: { batchable: true, wireName: 'text_lengths' }, slow: { batchable: true } };
  lengths(texts) {
    busy(5);
    return texts.map(({ length }) => length);
  }
  slow(texts) {
    busy(100);
    return texts.map(({ length }) => length);
  }
  async *letters(text) {
    yield* text;
  }
  crash() {
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  }
}

const texts = toRunner(Texts, {
  name: 'texts',
  placement: 'process',
  batching: { maxBatchSize: 20, maxLatencyMs: 1_000 },
});
const any = { input: json({}), output: json({}) };

export const svc = new Service('texts', { runners: [texts] })
  .api('lengths', any, async (text) => (await texts.lengths.run([text]))[0])
  .api('slow', any, async (text) => (await texts.slow.run([text]))[0])
  .api(
    'letters',
    { input: any.input, output: { ...json({}), contentType: 'text/plain', encode: (chunks) => chunks } },
    async function* (text) {
      for await (const letter of texts.letters.stream(text)) yield Buffer.from(letter);
    },
  )
  .api('crash', any, () => texts.crash.run());
