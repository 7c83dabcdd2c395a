// A service asks `checkType` before it reads a body: it has to say what `decode` would.
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { binary, dataFrame, file, json, multipart, ndarray, ndjson, series, text, textStream } from '../src/index.ts';
import type { Body, Descriptor } from '../src/index.ts';
import { image } from '../src/image.ts';
import { bytes } from './thrown.ts';

const descriptors: Record<string, Descriptor<never, never>> = {
  json: json(z.unknown()),
  ndarray: ndarray(),
  dataFrame: dataFrame(),
  series: series(),
  text: text(),
  file: file(),
  pdf: file({ mediaTypes: ['application/pdf'] }),
  upload: file({ mediaTypes: ['application/pdf'], stream: true }),
  image: image(),
  binary: binary({ mediaTypes: ['application/pdf'], read: (given) => given, write: (given) => given }),
  multipart: multipart({ a: text() }),
  textStream: textStream(),
  ndjson: ndjson(z.unknown()),
} as never;
const TYPES = [
  ...['application/json', 'application/x-npy', 'application/octet-stream', 'application/pdf', 'application/x-ndjson'],
  ...['text/plain', 'text/csv; charset=utf-8', 'text/plain; charset=latin1', 'image/png', 'nonsense', ''],
  'multipart/form-data; boundary=b',
];

test.each(Object.entries(descriptors))('%s', async (_name, descriptor) => {
  const outcome = async (run: () => unknown) => {
    try {
      await run();
    } catch (error) {
      if ((error as { code: string }).code === 'EKIBEN_UNSUPPORTED_MEDIA_TYPE') return 'refused';
    }
    return 'taken';
  };
  for (const type of [...TYPES, undefined]) {
    const checked = await outcome(() => descriptor.checkType?.(type));
    const decoded = await outcome(() => descriptor.decode(bodyOf(type, descriptor), type));
    expect([type, checked]).toEqual([type, decoded]);
  }
});

const bodyOf = (type: string | undefined, { mediaTypes }: Descriptor<never, never>): Body => {
  const head = `Content-Disposition: form-data; name="a"; filename="a"\r\nContent-Type: ${mediaTypes[0]}`;
  return bytes(type?.startsWith('multipart') === true ? `--b\r\n${head}\r\n\r\nx\r\n--b--` : 'x');
};
