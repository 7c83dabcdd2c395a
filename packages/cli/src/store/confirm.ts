// A question on the terminal, or in a pipe.
import { createInterface, type Interface } from 'node:readline/promises';

import { EkibenError } from '@ekiben/spec';

export interface Questions {
  /** False unless the answer is yes. @throws EKIBEN_NO_ANSWER when there is nobody to answer */
  confirm(question: string): Promise<boolean>;
  close(): void;
}

/** One reader for all questions: lines that came early must not be lost. */
export function askQuestions(): Questions {
  let lines: AsyncIterator<string> | undefined;
  let terminal: Interface | undefined;
  return {
    async confirm(question) {
      terminal ??= createInterface({ input: process.stdin });
      lines ??= terminal[Symbol.asyncIterator]();
      process.stderr.write(`${question} [y/N]: `);
      const answer = await lines.next();
      if (answer.done === true) {
        process.stderr.write('\n');
        throw new EkibenError('EKIBEN_NO_ANSWER', 'aborted, since nobody answered; --yes asks nothing');
      }
      return /^y(es)?$/i.test(answer.value.trim());
    },
    close: () => terminal?.close(),
  };
}
