// Puts a plan into the store, with the digests of its files.
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Draft } from '@ekiben/spec';
import { newVersion, type BentoStore, type StoredBento } from '@ekiben/store';
import { dump } from 'js-yaml';
import type { Plan, PlannedFile } from './plan.ts';
import { DIGESTS_FILE, digestOfBento, digestsText, sha256 } from './verify.ts';

/**
 * @param version - @default a new one
 * @throws as {@link BentoStore.create}
 */
export async function write(plan: Plan, store: BentoStore, version: string | undefined): Promise<StoredBento> {
  const identity = newVersion();
  return store.create(async (draft) => {
    const digests = new Map<string, string>();
    for (const file of plan.files) digests.set(file.path, await writeFileOf(draft, file));
    const digestList = digestsText(digests);
    await writeFileOf(draft, text(DIGESTS_FILE, digestList));
    const { service, name, ...rest } = plan.manifest;
    const manifest = {
      service,
      name,
      version: version ?? identity.version,
      creation_time: identity.creationTime,
      ...rest,
      digest: digestOfBento(digestList, plan.manifest),
    };
    await writeFileOf(draft, text('bento.yaml', dump(manifest, { seqNoIndent: true, lineWidth: -1, noRefs: true })));
  });
}

function text(path: string, content: string): PlannedFile {
  return { path, executable: false, content: Buffer.from(content) };
}

/** With fixed modes, whatever the umask is; returns the SHA-256. */
async function writeFileOf({ dir }: Draft, { path, executable, content }: PlannedFile): Promise<string> {
  const target = join(dir, path);
  await mkdir(dirname(target), { recursive: true });
  if (content instanceof Uint8Array) await writeFile(target, content);
  else await copyFile(content.source, target);
  await chmod(target, executable ? 0o755 : 0o644);
  return sha256(target);
}
