// Writes report/test.json with the counts of a jest run, and ends its output with the plain line that counts in any language.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainLine } from './counts.mjs';

export default class CountReporter {
  #rootDir;
  #file;

  /** @param {{ rootDir: string }} globalConfig @param {{ file?: string }} options */
  constructor(globalConfig, { file = 'test.json' } = {}) {
    this.#rootDir = globalConfig.rootDir;
    this.#file = file;
  }

  onRunComplete(_contexts, results) {
    const counts = {
      passed: results.numPassedTests,
      // A suite that does not even load fails without failing a test.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    const folder = join(this.#rootDir, 'report');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, this.#file), `${JSON.stringify(counts)}\n`);
    console.log(plainLine(counts));
  }
}
