// Another program, with what it says line by line; its last lines explain how it ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ProgramOptions {
  readonly cwd?: string | undefined;
  /** Beside this process's own. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Only for arguments that no user wrote. @default false */
  readonly shell?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onLog?: ((line: string) => void) | undefined;
}

export interface Ended {
  /** Undefined when there is no such program. */
  readonly code: number | null | undefined;
  /** The last ones of both outputs. */
  readonly lines: readonly string[];
}

/** Enough to hold the failing step of a build with its compiler's complaint, and to be read. */
const KEPT_LINES = 30;

export async function runProgram(
  command: string,
  args: readonly string[],
  { cwd, env, shell = false, signal, onLog }: ProgramOptions = {},
): Promise<Ended> {
  signal?.throwIfAborted();
  const child = spawn(command, [...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    shell,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const stop = (): void => void child.kill('SIGTERM');
  signal?.addEventListener('abort', stop, { once: true });
  const lines: string[] = [];
  const read = async (input: NodeJS.ReadableStream): Promise<void> => {
    for await (const line of createInterface({ input })) {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      onLog?.(line);
    }
  };
  try {
    const [[code]] = (await Promise.all([once(child, 'close'), read(child.stdout), read(child.stderr)])) as [
      [number | null],
      void,
      void,
    ];
    signal?.throwIfAborted();
    return { code, lines };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { code: undefined, lines };
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
