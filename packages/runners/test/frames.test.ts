import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FrameReader, FrameWriter } from '../src/frames.ts';
import { readCall } from '../src/call-frames.ts';
import { readValue } from '../src/values.ts';

type Frame = readonly [kind: number, id: number, text: string];

const frames = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.string()),
);

function write(list: readonly Frame[]): Buffer {
  const writer = new FrameWriter();
  for (const [kind, id, text] of list) {
    writer.open(kind, id);
    writer.string(text);
    writer.close();
  }
  return Buffer.concat(writer.take());
}

describe('frames', () => {
  test('come out one by one, however the stream is cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (list, cuts) => {
        const bytes = write(list);
        const read: Frame[] = [];
        const reader = new FrameReader((kind, id, body) => read.push([kind, id, body.string()]));
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          reader.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(read).toEqual(list);
      }),
    );
  });

  test('come out the same when they are read to where the reader wants them', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 8 });
    fc.assert(
      fc.property(sizes, fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }), (lengths, reads) => {
        const list = lengths.map((length, i): Frame => [1, i, String(i).repeat(length)]);
        const bytes = write(list);
        const read: Frame[] = [];
        const reader = new FrameReader((kind, id, body) => read.push([kind, id, body.string()]));
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const target = reader.target();
          const copied = bytes.copy(target, 0, at, Math.min(bytes.length, at + (reads[i % reads.length] ?? 1)));
          reader.received(copied);
          at += copied;
        }
        expect(read.length).toBe(list.length);
        expect(read.every(([, id, text], i) => id === i && text === list[i]?.[2])).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('wait while the reader is paused, and lose nothing', () => {
    fc.assert(
      fc.property(
        frames,
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        fc.infiniteStream(fc.boolean()),
        (list, cuts, pauses) => {
          const bytes = write(list);
          const read: Frame[] = [];
          let paused = false;
          const reader = new FrameReader((kind, id, body) => {
            expect(paused).toBe(false);
            read.push([kind, id, body.string()]);
            if (pauses.next().value === true) {
              paused = true;
              reader.pause();
            }
          });
          const resume = () => {
            paused = false;
            reader.resume();
          };
          for (let at = 0; at < bytes.length;) {
            const size = cuts.next().value ?? 1;
            const chunk = Buffer.from(bytes.subarray(at, at + size));
            reader.push(chunk);
            chunk.fill(0); // its memory is used again
            at += size;
            if (pauses.next().value === true) resume();
          }
          while (paused) resume();
          expect(read).toEqual(list);
        },
      ),
    );
  });

  test('a frame whose value failed leaves no trace, even when it filled blocks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 0, max: 200_000 }), (before, size) => {
        const writer = new FrameWriter();
        writer.open(1, 1);
        writer.string('x'.repeat(before % 3000));
        writer.bytes(new Uint8Array(before));
        writer.close();
        const pending = writer.pending;
        writer.open(2, 2);
        writer.bytes(new Uint8Array(size));
        writer.string('y'.repeat(size % 10_000));
        writer.abandon();
        expect(writer.pending).toBe(pending);
        writer.open(3, 3);
        writer.string('after');
        writer.close();
        const ids: number[] = [];
        new FrameReader((_kind, id) => ids.push(id)).push(Buffer.concat(writer.take()));
        expect(ids).toEqual([1, 3]);
      }),
    );
  });

  test.each([
    ['shorter than its head', [4, 0, 0, 0]],
    ['longer than the limit', [0xff, 0xff, 0xff, 0xff]],
  ])('a length %s is refused before anything is allocated', (_, bytes) => {
    const reader = new FrameReader(() => {});
    expect(() => reader.push(Buffer.from(bytes))).toThrow(expect.objectContaining({ code: 'EKIBEN_FRAME_INVALID' }));
  });

  test('random bytes as values and calls only ever throw a coded error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const frame = Buffer.concat([Buffer.alloc(9), bytes]);
        frame.writeUInt32LE(frame.length - 4, 0);
        for (const read of [readValue, readCall]) {
          try {
            new FrameReader((_kind, _id, body) => read(body)).push(frame);
          } catch (error) {
            expect((error as { code?: unknown }).code).toMatch(/^EKIBEN_/);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
