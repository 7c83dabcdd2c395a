import process from 'node:process';

/** Resolves with the next request to end. */
export function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const listen = (signal: NodeJS.Signals) => {
      process.off('SIGINT', listen).off('SIGTERM', listen);
      resolve(signal);
    };
    process.on('SIGINT', listen).on('SIGTERM', listen);
  });
}
