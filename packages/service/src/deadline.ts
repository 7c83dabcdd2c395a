/** In milliseconds, how long a client waits for its answer. Nothing that a proxy or browser sends of itself says so. */
const TIMEOUT_HEADER = 'x-request-timeout-ms';

/** The earlier of a limit and of what a client says; both, as the result, in milliseconds of `performance.now()`. */
export function deadlineOf(
  request: { header(name: string): string | undefined },
  started: number,
  limit: number | undefined,
): number | undefined {
  const said = request.header(TIMEOUT_HEADER);
  if (said === undefined || !/^\d{1,10}$/.test(said)) return limit;
  return Math.min(started + Number(said), limit ?? Infinity);
}
