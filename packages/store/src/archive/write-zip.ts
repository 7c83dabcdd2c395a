// Writes zip as a stream.
import { ZipFile } from 'yazl';
import type { PackItem } from './pack-item.ts';
import { toReadable } from './through.ts';

/** @param mtime - of every entry, so that the same content makes the same archive */
export async function* writeZip(items: Iterable<PackItem>, mtime: Date, level: number): AsyncGenerator<Uint8Array> {
  const zip = new ZipFile();
  const output = zip.outputStream as NodeJS.ReadableStream & { destroy(error?: Error): void };
  zip.on('error', (error: Error) => output.destroy(error));
  for (const item of items) {
    if (item.type === 'directory') {
      zip.addEmptyDirectory(`${item.path}/`, { mtime, mode: 0o40755 });
      continue;
    }
    const mode = item.executable ? 0o100755 : 0o100644;
    zip.addReadStreamLazy(item.path, { mtime, mode, size: item.size, compressionLevel: level }, (done) => {
      const file = toReadable(item.body());
      file.on('error', (error) => zip.emit('error', error));
      done(null, file);
    });
  }
  zip.end();
  yield* output as AsyncIterable<Uint8Array>;
}
