/**
 * Parquet files are read in processes of their own. The format packs repetition without bound, so that a few bytes can ask for billions
 * of values, and the library believes them, up to a fatal error of V8 that would end a thread's whole process. A reader that takes too
 * long or dies is ended, and only its file is lost.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EkibenError } from '@ekiben/spec';
import type { ErrorJson } from '@ekiben/spec';
import { refusedInput } from './faults.ts';
import { MAX_PARQUET_HEAP_MB, MAX_PARQUET_MS, MAX_PARQUET_READERS } from './limits.ts';
import type { Table } from './table.ts';

/** What a reader answers to the bytes of a file. */
export type ParquetAnswer = { readonly table: Table } | { readonly error: ErrorJson };

const idle = new Set<ChildProcess>();
const waiting: (() => void)[] = [];
let running = 0;

/** @throws EKIBEN_INVALID_INPUT, EKIBEN_BODY_TOO_LARGE */
export async function readParquet(bytes: Uint8Array): Promise<Table> {
  if (running >= MAX_PARQUET_READERS) await new Promise<void>((resolve) => waiting.push(resolve));
  running++;
  try {
    const [reader = start()] = idle;
    idle.delete(reader);
    const answer = await ask(reader, bytes);
    idle.add(reader);
    if ('error' in answer) throw EkibenError.fromJSON(answer.error);
    return answer.table;
  } finally {
    running--;
    waiting.shift()?.();
  }
}

function start(): ChildProcess {
  const reader = fork(fileURLToPath(new URL('./parquet-reader.js', import.meta.url)), {
    serialization: 'advanced',
    execArgv: [`--max-old-space-size=${MAX_PARQUET_HEAP_MB}`],
    // What V8 says of its end is no news.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  // Idle ones keep no process alive, and end with the one that started them.
  reader.unref();
  reader.channel?.unref();
  reader.on('error', () => undefined); // an exit follows
  reader.on('exit', () => idle.delete(reader));
  return reader;
}

function ask(reader: ChildProcess, bytes: Uint8Array): Promise<ParquetAnswer> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reader.off('message', onMessage).off('exit', onExit);
    };
    const fail = (message: string) => {
      stop();
      reader.kill('SIGKILL');
      reject(refusedInput([{ pointer: '', message }]));
    };
    const onMessage = (answer: unknown) => {
      stop();
      resolve(answer as ParquetAnswer);
    };
    const onExit = () => fail('takes too much memory to read');
    const timer = setTimeout(() => fail('takes too long to read'), MAX_PARQUET_MS);
    reader.on('message', onMessage).on('exit', onExit);
    reader.send(bytes, () => undefined); // one that is gone has its exit
  });
}
