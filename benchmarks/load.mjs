// The load generator, a process of its own so that its CPU time is told apart from the server's.
// Takes one autocannon options object over IPC, answers with what it saw and with how busy it was.
import autocannon from 'autocannon';
import { createHistogram } from 'node:perf_hooks';

process.once('message', (options) => {
  const before = process.cpuUsage();
  const start = process.hrtime.bigint();
  const latency = createHistogram(); // in ns: autocannon's own summary is in whole milliseconds
  const run = autocannon(options, (error, result) => {
    if (error) throw error;
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    const { user, system } = process.cpuUsage(before);
    process.send({
      requests: result['2xx'],
      failures: result.non2xx + result.errors + result.timeouts + result.mismatches,
      seconds,
      busy: (user + system) / 1e6 / seconds,
      p50: latency.percentile(50) / 1e6,
      p99: latency.percentile(99) / 1e6,
    });
    process.disconnect();
  });
  run.on('response', (_client, _status, _bytes, milliseconds) => {
    latency.record(Math.max(1, Math.round(milliseconds * 1e6)));
  });
});
