import { describe, test } from 'node:test';
import type { Adapter } from './adapter.ts';
import { conformanceCases, titleOf } from './cases.ts';

/** The conformance cases as tests of Node's own runner. */
export function testAdapter<Native extends Source, Methods extends object, Options extends object, Source>(
  adapter: Adapter<Native, Methods, Options, Source>,
): void {
  void describe(titleOf(adapter), () => {
    for (const { name, skipped, run } of conformanceCases(adapter)) {
      void test(name, { skip: skipped ?? false }, run);
    }
  });
}
