// For which processor a binary is, by its own header: names can lie.
import { EkibenError } from '@ekiben/spec';
import { formatPlatform, type Platform } from '../native.ts';
import type { PackageFile } from '../outside.ts';
import { readHead } from './read-head.ts';

/** `e_machine` of ELF (https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html). */
const MACHINES: ReadonlyMap<number, string> = new Map([
  [3, 'ia32'],
  [40, 'arm'],
  [62, 'x64'],
  [183, 'arm64'],
]);

const HEADER_BYTES = 20;

/** The processor that the first bytes of a file speak of; undefined for what is no program of Linux. */
export function machineOf(head: Uint8Array): string | undefined {
  const isElf =
    head.length >= HEADER_BYTES && head[0] === 0x7f && Buffer.from(head.subarray(1, 4)).toString('latin1') === 'ELF';
  if (!isElf) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const littleEndian = head[5] === 1;
  return MACHINES.get(view.getUint16(18, littleEndian)) ?? 'unknown';
}

const ADDON = /\.node$|\.so(?:\.[\d.]+)?$/;

/** @throws EKIBEN_PLATFORM_MISSING when an addon or a library is for another processor */
export async function checkMachines(files: readonly PackageFile[], platform: Platform): Promise<void> {
  for (const { path, source } of files.filter((file) => ADDON.test(file.path))) {
    const machine = machineOf(await readHead(source, HEADER_BYTES));
    if (machine === platform.cpu) continue;
    throw new EkibenError(
      'EKIBEN_PLATFORM_MISSING',
      `${path} is ${machine === undefined ? 'no library of Linux' : `for ${machine}`}, and cannot run on ${formatPlatform(platform)}.`,
    );
  }
}
