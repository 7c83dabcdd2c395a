// A service with a runner in a process of its own, whose calls meet there; the process loads this file, too.
import { json } from '@ekiben/io-descriptors';
import { toRunner } from '@ekiben/runners';
import { Service } from '@ekiben/service';

const busy = (ms) => {
  for (const until = performance.now() + ms; performance.now() < until;);
};

class Texts {
  static signatures = { lengths: { batchable: true, wireName: 'text_lengths' } };
  lengths(texts) {
    busy(20);
    if (texts.includes('bad')) throw new RangeError('no such text');
    return texts.map(({ length }) => length);
  }
  alone(text) {
    return text.length;
  }
}

const texts = toRunner(Texts, { name: 'texts', placement: 'process' });
const any = { input: json({}), output: json({}) };

export const svc = new Service('texts', { runners: [texts] })
  .api('lengths', any, async (text) => (await texts.lengths.run([text]))[0])
  .api('alone', any, (text) => texts.alone.run(text))
  .api('fail', any, () => {
    throw new Error('no');
  });
