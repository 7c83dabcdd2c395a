// The credit-risk service over HTTP against a bare node:http server, and beside what a Node team does today.
import { file, startCreditRisk } from './credit-risk.mjs';
import { compare } from './harness.mjs';

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
  if (quick) return;
  for (const { what, ratio, atLeast = 0, atMost = Infinity } of GOALS) {
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
