// An error that code threw, with the line that threw it.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import type { SourceMapPayload } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { EkibenError } from '@ekiben/spec';
import { formatMessages } from 'esbuild';

/** As esbuild shows what does not compile; an error of ours says enough by itself. @param folder - of the code that is to be shown */
export async function withCodeFrame(error: Error, folder: string | undefined): Promise<string> {
  if (EkibenError.is(error)) return error.message;
  const stack = inSource(error.stack ?? String(error));
  const place = folder === undefined ? undefined : firstPlace(stack, folder);
  if (folder === undefined || place === undefined) return stack;
  const text = stack.split(/\n\s+at /, 1)[0] ?? '';
  const [frame = ''] = await formatMessages([{ text, location: place }], {
    kind: 'error',
    color: process.stderr.isTTY,
  });
  const calls = stack
    .slice(text.length)
    .split('\n')
    .filter((line) => isBelow(line, folder));
  return [frame.trimEnd(), ...calls].join('\n');
}

/**
 * The places of a compiled module as those of its source. By the map inside the module, read only now: to have Node do it would cost
 * every process that reads the maps of all packages.
 */
function inSource(stack: string): string {
  return stack.replaceAll(/(file:\/\/\S+?\.mjs):(\d+):(\d+)/g, (place, url: string, line: string, column: string) => {
    const file = fileURLToPath(url);
    const { originalSource, originalLine, originalColumn } =
      mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1) ?? {};
    if (originalSource === undefined || originalLine === undefined || originalColumn === undefined) return place;
    return `${path.resolve(path.dirname(file), originalSource)}:${originalLine + 1}:${originalColumn + 1}`;
  });
}

function mapOf(module: string): SourceMap | undefined {
  try {
    const [, map] =
      /\n\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\s*$/.exec(readFileSync(module, 'utf8')) ?? [];
    return map === undefined
      ? undefined
      : new SourceMap(JSON.parse(Buffer.from(map, 'base64').toString()) as SourceMapPayload);
  } catch {
    return undefined; // it was no module of ours
  }
}

function firstPlace(stack: string, folder: string) {
  for (const line of stack.split('\n')) {
    const [, url, at, column] = /((?:file:\/\/)?\/[^():]+):(\d+):(\d+)\)?$/.exec(line) ?? [];
    if (url === undefined || !isBelow(line, folder)) continue;
    const file = url.startsWith('file:') ? fileURLToPath(url) : url;
    const lineText = sourceLine(file, Number(at));
    return { file: path.relative(folder, file), line: Number(at), column: Number(column) - 1, lineText };
  }
  return undefined;
}

/** Whether a line of a stack is about the project's own code. */
const isBelow = (line: string, folder: string) => line.includes(`${folder}${path.sep}`) && !isPackage(line, folder);
const isPackage = (line: string, folder: string) => line.includes('node_modules', line.indexOf(folder) + folder.length);

function sourceLine(file: string, line: number): string {
  try {
    return readFileSync(file, 'utf8').split('\n')[line - 1] ?? '';
  } catch {
    return '';
  }
}
