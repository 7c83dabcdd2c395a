// The service of the check with a collector: a runner in a process of its own, in which calls meet; spans of our own on both sides.
import { trace } from '@opentelemetry/api';
import { json } from '@ekiben/io-descriptors';
import { toRunner } from '@ekiben/runners';
import { Service } from '@ekiben/service';

const tracer = trace.getTracer('mine');
const busy = (ms) => {
  for (const until = performance.now() + ms; performance.now() < until;);
};

class Texts {
  static signatures = { lengths: { batchable: true, batchDim: [0, 0], wireName: 'text_lengths' } };
  lengths(texts) {
    return tracer.startActiveSpan('compute', (span) => {
      busy(5);
      span.end();
      if (texts.includes('bad')) throw new RangeError('no such text');
      return texts.map(({ length }) => length);
    });
  }
  alone(text) {
    return text.length;
  }
}

const texts = toRunner(Texts, { name: 'texts', placement: 'process' });
const any = { input: json({}), output: json({}) };

export const svc = new Service('texts', { runners: [texts] })
  .api('lengths', any, (text) =>
    tracer.startActiveSpan('handle', async (span) => {
      try {
        return (await texts.lengths.run([text]))[0];
      } finally {
        span.end();
      }
    }),
  )
  .api('alone', any, (text) => texts.alone.run(text))
  .api('here', any, () => process.pid);
