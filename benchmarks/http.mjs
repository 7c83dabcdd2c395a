// The credit-risk service over HTTP against a bare node:http server, and beside what a Node team does today.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compare, server } from './harness.mjs';

const file = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The first of the 3,000 applications that Python scored, and what it said of it. */
const [line] = readFileSync(file('../apps/credit-risk/test/fixtures/expected.jsonl'), 'utf8').split('\n', 1);
const { application, status } = JSON.parse(line);
const body = JSON.stringify(application);
const headers = { 'content-type': 'application/json' };

/** What the project promises; ratios above 1 are better than the baseline, save p99's. */
const GOALS = [
  { what: 'throughput', ratio: 'throughputRatio', atLeast: 0.75 },
  { what: 'CPU time', ratio: 'cpuRatio', atLeast: 0.75 },
  { what: 'p99', ratio: 'p99Ratio', atMost: 1.5 },
];

/** `answer`: whether it has to answer what Python said; a bare server does not know. */
const bare = { name: 'bare node:http', command: [file('http/bare.mjs')], answer: false };
const credit = {
  name: 'credit-risk',
  command: [file('../apps/credit-risk/start.mjs'), '--port', 'PORT'],
  answer: true,
};
const rival = { name: 'Fastify 5 + onnxruntime-node', command: [file('http/fastify-onnx.mjs')], answer: true };

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

let port = 4700;

async function start({ name, command, answer }, quick) {
  port += 1;
  const url = `http://127.0.0.1:${port}/classify`;
  const subject = await server({
    command: [process.execPath, ...command.map((part) => (part === 'PORT' ? String(port) : part))],
    env: { PORT: String(port) },
    url,
    method: 'POST',
    headers,
    body,
    ...(quick ? { warmUpSeconds: 1, seconds: 1 } : {}),
  });
  const response = await fetch(url, { method: 'POST', headers, body });
  const { Status } = await response.json();
  if (answer && Status !== status) throw new Error(`${name} says ${Status}, Python said ${status}.`);
  return subject;
}
