// A real OpenTelemetry collector, built once from its published modules and kept.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cached, run, temporary } from '../../store/checks/harness.mjs';

const source = fileURLToPath(new URL('otelcol/', import.meta.url));

/** @returns the path of the program */
export function buildCollector() {
  const files = ['main.go', 'go.mod'].map((name) => readFileSync(join(source, name), 'utf8'));
  const key = { files, platform: process.platform, arch: process.arch };
  const directory = cached('otelcol', key, (dir) => {
    cpSync(source, dir, { recursive: true });
    const env = { ...process.env, GOFLAGS: '-mod=mod', CGO_ENABLED: '0' };
    run('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', 'otelcol', '.'], { cwd: dir, env });
  });
  return join(directory, 'otelcol');
}

/** Receives by OTLP over HTTP on 127.0.0.1. */
export class Collector {
  #file = join(temporary(), 'traces.json');
  #process;

  static async start(port) {
    const collector = new Collector();
    const config = join(temporary(), 'config.yaml');
    writeFileSync(
      config,
      `receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${port}" } } } }
exporters: { file: { path: ${JSON.stringify(collector.#file)} } }
service: { pipelines: { traces: { receivers: [otlp], exporters: [file] } } }
`,
    );
    collector.#process = spawn(buildCollector(), ['--config', config], { stdio: ['ignore', 'inherit', 'inherit'] });
    process.on('exit', () => collector.#process.kill());
    for (let attempt = 0; !(await isOpen(port)); attempt += 1) {
      if (attempt === 100 || collector.#process.exitCode !== null) throw new Error('the collector does not start');
      await sleep(100);
    }
    return collector;
  }

  /** Ends it, and gives what it has received: spans, each with its resource, attributes as plain records. */
  async stop() {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
    if (!existsSync(this.#file)) return [];
    const lines = readFileSync(this.#file, 'utf8').split('\n').filter(Boolean);
    return lines.flatMap((line) => spansOf(JSON.parse(line)));
  }
}

function isOpen(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => (socket.destroy(), resolve(true))).on('error', () => resolve(false));
  });
}

function spansOf({ resourceSpans }) {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        links: [],
        events: [],
        ...span,
        scope: scope.name,
        attributes: record(span.attributes),
        resource: record(resource.attributes),
      })),
    ),
  );
}

function record(attributes = []) {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, doubleValue, intValue, boolValue } }) => [
      key,
      stringValue ?? doubleValue ?? boolValue ?? Number(intValue),
    ]),
  );
}
