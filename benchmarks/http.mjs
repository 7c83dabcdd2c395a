// The credit-risk service over HTTP against a bare node:http server, and beside what a Node team does today; and what it costs to see what
// it does: access log in a file, metrics, and a span a request, sent to a collector.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { file, startCreditRisk } from './credit-risk.mjs';
import { beside, compare } from './harness.mjs';

/** What the project promises; ratios above 1 are better than the baseline, save p99's. */
const GOALS = [
  { what: 'throughput', ratio: 'throughputRatio', atLeast: 0.75 },
  { what: 'CPU time', ratio: 'cpuRatio', atLeast: 0.75 },
  { what: 'p99', ratio: 'p99Ratio', atMost: 1.5 },
];

/** `answers`: whether it has to answer what Python said; a bare server does not know. */
const bare = { name: 'bare node:http', command: [file('http/bare.mjs')], answers: false };
const credit = {
  name: 'credit-risk',
  command: [file('../apps/credit-risk/start.mjs'), '--quiet', '--port', 'PORT'],
  answers: true,
};
const rival = { name: 'Fastify 5 + onnxruntime-node', command: [file('http/fastify-onnx.mjs')], answers: true };

export async function run(args) {
  const quick = args.includes('--quick');
  const { [credit.name]: ours } = await compare({
    title: 'http',
    quick,
    baseline: { name: bare.name, sources: [file('http/bare.mjs')], start: () => start(bare, quick) },
    contenders: [credit, rival].map((each) => ({ name: each.name, start: () => start(each, quick) })),
  });
  if (!quick) judge(ours, GOALS);
  await observe(quick);
}

/** With log, metrics and tracing on against all off. */
const OBSERVED_GOALS = [{ what: 'throughput with log, metrics and traces', ratio: 'throughputRatio', atLeast: 0.6 }];

async function observe(quick) {
  const directory = mkdtempSync(join(tmpdir(), 'ekiben-bench-'));
  const sink = beside(new URL('http/otlp-sink.mjs', import.meta.url));
  try {
    const port = await new Promise((resolve) => sink.once('message', resolve));
    const [program] = credit.command;
    const off = { EKIBEN__API_SERVER__METRICS__ENABLED: 'false' };
    const on = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
    const log = join(directory, 'log');
    const observed = 'credit-risk with log, metrics and traces';
    const { [observed]: ours } = await compare({
      title: 'http-observed',
      quick,
      baseline: {
        name: 'credit-risk with none',
        sources: [program],
        start: () => startCreditRisk(credit.command, { quick, env: off }),
      },
      contenders: [
        { name: observed, start: () => startCreditRisk([program, '--port', 'PORT'], { quick, env: on, log }) },
      ],
    });
    if (!quick) judge(ours, OBSERVED_GOALS);
  } finally {
    sink.disconnect();
    rmSync(directory, { recursive: true });
  }
}

function judge(ours, goals) {
  for (const { what, ratio, atLeast = 0, atMost = Infinity } of goals) {
    const { median } = ours[ratio];
    const reached = median >= atLeast && median <= atMost;
    const goal = atLeast > 0 ? `at least ${atLeast}` : `at most ${atMost}`;
    console.log(`${reached ? 'reached' : 'MISSED '} ${what}: ${median.toFixed(3)}, ${goal}`);
    if (!reached) process.exitCode = 1;
  }
}

function start({ command, answers }, quick) {
  return startCreditRisk(command, { quick, answers });
}
