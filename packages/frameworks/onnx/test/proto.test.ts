// Reading and changing ONNX files without a runtime: what is found in them, and what damaged or hostile ones do.
import { describe, expect, test } from '@jest/globals';
import { EkibenError } from '@ekiben/spec';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { MAX_GRAPH_DEPTH } from '../src/index.ts';
import { readModelProto } from '../src/proto.ts';
import { fieldsOf, integersOf, lengthDelimited, numberField } from '../src/protobuf.ts';
import { withoutZipMaps } from '../src/zip-map.ts';
import { EXPECTED, fixture } from './fixtures.ts';

const read = (name: string): Uint8Array => readFileSync(fixture(name));

describe('a file', () => {
  test('says its inputs, outputs, producer and the files beside it', () => {
    expect(readModelProto(read('credit-risk.onnx'))).toEqual({
      producer: 'OnnxMLTools',
      inputs: [{ name: 'x', elemType: 1, shape: [null, 29] }],
      outputs: [
        { name: 'label', elemType: 7, shape: [null] },
        { name: 'probabilities', elemType: 1, shape: [null, 2] },
      ],
      zipMaps: [],
      externalFiles: [],
    });
    expect(readModelProto(read('more/if-external-default.onnx')).externalFiles).toEqual([
      'if-external-default.weights',
    ]);
  });

  test('loses its ZipMap nodes, and what they took becomes an output, once', () => {
    for (const [name, outputs] of [
      ['iris-pipeline-zipmap', ['output_label', 'probabilities']],
      ['more/zipmap-strings-external', ['scores']],
    ] as const) {
      const file = read(`${name}.onnx`);
      const changed = readModelProto(withoutZipMaps(file, readModelProto(file).zipMaps));
      expect(changed.zipMaps).toEqual([]);
      expect(changed.outputs.map((output) => output.name)).toEqual(outputs);
    }
  });

  test.each(EXPECTED)('%s is the same when there is nothing to take out', (name) => {
    const file = read(`${name}.onnx`);
    expect(Buffer.compare(withoutZipMaps(file, []), file)).toBe(0);
  });
});

describe('a damaged or hostile file is an error with a code', () => {
  const outcome = (file: Uint8Array): string => {
    try {
      readModelProto(file);
      return 'read';
    } catch (error) {
      return EkibenError.is(error) ? error.code : String(error);
    }
  };

  test('cut short anywhere', () => {
    const file = read('iris-pipeline-zipmap.onnx');
    const outcomes = new Set(Array.from(file, (_, length) => outcome(file.subarray(0, length))));
    expect([...outcomes].sort()).toEqual(['EKIBEN_ONNX_MODEL_INVALID', 'read']);
  });

  test('any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['read', 'EKIBEN_ONNX_MODEL_INVALID']).toContain(outcome(bytes));
      }),
    );
  });

  test('any byte changed', () => {
    const file = read('more/zipmap-strings-external.onnx');
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(file);
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(['read', 'EKIBEN_ONNX_MODEL_INVALID']).toContain(outcome(changed));
      }),
    );
  });

  test('graphs inside graphs without end', () => {
    let graph: Uint8Array = new Uint8Array();
    for (let depth = 0; depth <= MAX_GRAPH_DEPTH + 1; depth++) {
      graph = lengthDelimited(1, lengthDelimited(5, lengthDelimited(6, graph))); // node, attribute, graph
    }
    expect(() => readModelProto(lengthDelimited(7, graph))).toThrow(`nest deeper than ${MAX_GRAPH_DEPTH} levels`);
  });

  test.each([
    ['a number without end', [0x08, ...Array.from({ length: 11 }, () => 0xff)], 'a number of more than 10 bytes'],
    ['a length beyond the end', [0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f], 'ends early'],
    ['a wire type that there is not', [0x0b], 'wire type 3'],
    ['nothing', [], 'it has no graph'],
  ])('%s', (_name, bytes, message) => {
    expect(() => readModelProto(Uint8Array.from(bytes))).toThrow(message);
  });
});

test('fields come back as they were written', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.oneof(fc.nat(), fc.uint8Array()))),
      (fields) => {
        const message = Buffer.concat(
          fields.map(([number, value]) =>
            typeof value === 'number' ? numberField(number, value) : lengthDelimited(number, value),
          ),
        );
        const found = [...fieldsOf(message)];
        expect(Buffer.compare(Buffer.concat(found.map(({ raw }) => raw)), message)).toBe(0);
        expect(found.map(({ number, value, bytes }) => [number, value, [...bytes]])).toEqual(
          fields.map(([number, value]) =>
            typeof value === 'number' ? [number, BigInt(value), []] : [number, 0n, [...value]],
          ),
        );
      },
    ),
  );
});

test('integers are read packed and one by one, negative ones as well', () => {
  const minusOne = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
  const message = Uint8Array.from([0x40, 0x05, 0x40, ...minusOne, 0x42, 0x0b, 0x07, ...minusOne]);
  expect([...fieldsOf(message)].flatMap(integersOf)).toEqual([5n, -1n, 7n, -1n]);
});
