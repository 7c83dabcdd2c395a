import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

test('a line of JSON a request where nobody looks on', async () => {
  const program = fileURLToPath(new URL('./access-log-service.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  const lines = stdout.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      service: 'echo',
      client: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      requestId: 'mine',
      request: { method: 'POST', path: '/echo', type: 'application/json', length: 3 },
      response: { status: 200, type: 'application/json', length: 3 },
      durationMs: expect.any(Number),
    }),
    expect.objectContaining({ response: expect.objectContaining({ status: 404, type: 'application/problem+json' }) }),
  ]);
});
