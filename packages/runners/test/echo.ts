/** The runners that test/fixtures/service.mjs exports, as the caller's process sees them. */
import { toRunner } from '../src/index.ts';

class Echo {
  static readonly signatures = {};
  echo(value: unknown): unknown {
    return value;
  }
  fail(fields: object): never {
    throw Object.assign(new Error('no such patient'), fields);
  }
  unsendable(): unknown {
    return new Map();
  }
  async later(_ms: number): Promise<string> {
    return 'done';
  }
  block(_ms: number): string {
    return 'done';
  }
  exit(_code: number): void {}
  zeros(bytes: number): Uint8Array {
    return new Uint8Array(bytes);
  }
  context(): unknown {
    return null;
  }
  async untilCancelled(): Promise<void> {}
  produced(): number {
    return 0;
  }
  heard(): unknown {
    return null;
  }
  deepError(): void {}
  async *failAfter(_items: number): AsyncGenerator<number> {
    yield 0;
  }
  async *count(to: number): AsyncGenerator<number> {
    for (let i = 0; i < to; i++) yield i;
  }
}

export const echoRunner = () => toRunner(Echo, { name: 'echo', placement: 'process' });

class Broken {
  static readonly signatures = {};
  predict(): void {}
}

export const brokenRunner = () => toRunner(Broken, { name: 'broken', placement: 'process' });
