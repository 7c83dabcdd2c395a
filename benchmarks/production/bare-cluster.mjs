// The baseline for several processes: the bare server under node:cluster, as Node itself spreads connections.
import cluster from 'node:cluster';

if (cluster.isPrimary) {
  for (let i = 0; i < 2; i += 1) cluster.fork();
  process.once('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM');
    process.exit();
  });
} else {
  await import('../http/bare.mjs');
}
