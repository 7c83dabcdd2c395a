// What the tests share: a fresh home each, the fixtures, and a framework that saves bytes.
import { mkdtempSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';
import type { Framework } from '@ekiben/spec';

const directories: string[] = [];
afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

export function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ekiben-store-'));
  directories.push(directory);
  return directory;
}

export function fixture(path: string): string {
  return fileURLToPath(new URL(`fixtures/${path}`, import.meta.url));
}

export interface BytesMethods {
  length(times: number): number;
}

/** Saves bytes under `weights.bin`. */
export const bytes: Framework<Uint8Array, BytesMethods> = {
  specVersion: 1,
  module: '@acme/bytes',
  signatures: { length: { wireName: 'the_length', batchable: true } },
  placement: 'embedded',
  async save(model, draft) {
    await draft.write('weights.bin', model);
    return { options: { kind: 'bytes' }, versions: { bytes: '1.2.3' } };
  },
  load: (files) => files.read('weights.bin'),
  runnable: (native) => ({ methods: { length: (times) => native.length * times } }),
};

export async function writeFiles(dir: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  return dir;
}

/** Every file below, relative. */
export async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .toSorted();
}

export function manifest(fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    name: 'plain',
    version: 'v1',
    module: '',
    labels: {},
    options: {},
    metadata: {},
    context: { framework_name: '', framework_versions: {}, bentoml_version: '1.4.39', python_version: '3.11.7' },
    signatures: {},
    api_version: 'v1',
    creation_time: '2026-11-24T06:35:13.428363+00:00',
    ...fields,
  });
}
