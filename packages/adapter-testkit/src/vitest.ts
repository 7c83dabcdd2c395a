import { describe, test } from 'vitest';
import type { Adapter } from './adapter.ts';
import { conformanceCases, titleOf } from './cases.ts';

/** The conformance cases as tests of vitest. */
export function testAdapter<Native extends Source, Methods extends object, Options extends object, Source>(
  adapter: Adapter<Native, Methods, Options, Source>,
): void {
  describe(titleOf(adapter), () => {
    for (const { name, skipped, run } of conformanceCases(adapter)) {
      if (skipped === null) test(name, run);
      else test.skip(`${name} (${skipped})`, run);
    }
  });
}
