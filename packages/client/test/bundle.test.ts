// A page pays for what it loads: the whole client is small, and has nothing of Node in it.
import { build } from 'esbuild';
import { expect, test } from '@jest/globals';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** Raised only with a reason in the same commit. Now 3.4 kB. */
const MAX_GZIP_BYTES = 4_096;

test('bundled for a browser it is small, and complete', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [createRequire(import.meta.url).resolve('@ekiben/client')],
    absWorkingDir: fileURLToPath(new URL('../../..', import.meta.url)),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser', // an import of Node's would not resolve
    write: false,
    metafile: true,
  });
  const [file] = outputFiles;
  const packages = Object.keys(metafile.inputs).map((input) => /packages\/(\w+)\/dist/.exec(input)?.[1]);
  expect(new Set(packages)).toEqual(new Set(['client', 'spec']));
  expect(gzipSync(file?.contents ?? '').length).toBeLessThan(MAX_GZIP_BYTES);
});
