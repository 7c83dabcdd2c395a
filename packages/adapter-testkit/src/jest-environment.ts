/**
 * A test environment of jest for adapters of native libraries: `@jest-environment @ekiben/adapter-testkit/jest-environment`.
 *
 * jest gives each test file its own global objects, so that the Float32Array of a test is not the one that a native library makes,
 * and `instanceof` fails. Here they are the same.
 */
import { TestEnvironment } from 'jest-environment-node';

const SHARED = [
  'ArrayBuffer',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'SharedArrayBuffer',
  'Uint8Array',
  'Uint8ClampedArray',
  'Uint16Array',
  'Uint32Array',
];

// jest takes an environment's default export.
// oxlint-disable-next-line import/no-default-export
export default class NativeEnvironment extends TestEnvironment {
  constructor(...args: ConstructorParameters<typeof TestEnvironment>) {
    super(...args);
    for (const name of SHARED) {
      const value: unknown = Reflect.get(globalThis, name);
      if (value !== undefined) Reflect.set(this.global, name, value);
    }
  }
}
