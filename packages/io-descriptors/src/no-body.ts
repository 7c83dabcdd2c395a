import type { Descriptor } from './descriptor.ts';
import { refusedInput, refusedOutput } from './faults.ts';

/**
 * No body, the only input of an API under GET, which has its query in `ctx.request.query`. Input only.
 *
 * @example
 * svc.api('version', { method: 'GET', input: noBody(), output: text() }, () => '1.0.0')
 */
export function noBody(): Descriptor<undefined, undefined> {
  const isOutput = () => {
    throw refusedOutput([{ pointer: '', message: 'cannot be sent: noBody is for input' }]);
  };
  return {
    mediaTypes: [],
    contentType: '',
    maxBytes: 0,
    mayBeEmpty: true,
    decode: () => undefined,
    parse(value) {
      if (value !== undefined) throw refusedInput([{ pointer: '', message: 'must be nothing' }]);
      return undefined;
    },
    encode: isOutput,
    toWire: isOutput,
    jsonSchema: () => undefined,
    example: undefined,
  };
}
