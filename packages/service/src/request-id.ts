/** Names of requests, by which logs of several programs can be put together. */
import { randomBytes } from 'node:crypto';

/** What others may name a request: nothing that would break a line of a log, or fill it. */
const ID = /^[\w.:+/=@-]{1,128}$/;

const prefix = randomBytes(9).toString('base64url');
let count = 0;

/** @param given - the header `x-request-id`; kept if it can be one */
export function requestIdOf(given: string | undefined): string {
  if (given !== undefined && ID.test(given)) return given;
  count += 1;
  return `${prefix}-${count.toString(36)}`;
}
