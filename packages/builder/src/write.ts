// Puts a plan into the store, with the digests of its files.
import { chmod, copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Draft } from '@ekiben/spec';
import { newVersion, type BentoStore, type StoredBento } from '@ekiben/store';
import { mapAtOnce } from './at-once.ts';
import { COPIED_FROM_BYTES } from './limits.ts';
import type { Plan, PlannedFile } from './plan.ts';
import { DIGESTS_FILE, digestOfBento, digestsText, sha256 } from './verify.ts';
import { yaml } from './yaml.ts';

/**
 * @param version - @default a new one
 * @throws as {@link BentoStore.create}
 */
export async function write(plan: Plan, store: BentoStore, version: string | undefined): Promise<StoredBento> {
  const identity = newVersion();
  return store.create(async (draft) => {
    const digests = await mapAtOnce(plan.files, async (file) => [file.path, await writeFileOf(draft, file)] as const);
    const digestList = digestsText(new Map(digests));
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
    await writeFileOf(draft, text('bento.yaml', yaml(manifest)));
  });
}

function text(path: string, content: string): PlannedFile {
  return { path, executable: false, content: Buffer.from(content) };
}

/** With fixed modes, whatever the umask is; returns the SHA-256. */
async function writeFileOf(draft: Draft, { path, executable, content }: PlannedFile): Promise<string> {
  const target = join(draft.dir, path);
  const bytes = content instanceof Uint8Array ? content : await readSmall(content.source);
  if (bytes === undefined) {
    await mkdir(dirname(target), { recursive: true });
    await copyFile((content as { readonly source: string }).source, target);
  } else {
    await draft.write(path, bytes);
  }
  await chmod(target, executable ? 0o755 : 0o644);
  return sha256(bytes ?? { source: target });
}

async function readSmall(source: string): Promise<Uint8Array | undefined> {
  return (await stat(source)).size < COPIED_FROM_BYTES ? readFile(source) : undefined;
}
