/** Files: one after another would wait for the disk each time, and all of them would be more than a process may open. */
const FILES_AT_ONCE = 16;

/** What `run` gives for every item, in their order. All that were begun have ended when it throws what the first of them threw. */
export async function mapAtOnce<T, R>(
  items: readonly T[],
  run: (item: T) => Promise<R>,
  atOnce: number = FILES_AT_ONCE,
): Promise<readonly R[]> {
  const results: R[] = [];
  const rest = items.entries();
  let failed = false;
  const some = async (): Promise<void> => {
    for (const [index, item] of rest) {
      if (failed) return;
      try {
        results[index] = await run(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, some));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  return results;
}
