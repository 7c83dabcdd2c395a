// `ekiben serve` and its flags; what it does is loaded when it is called.
import { EkibenError } from '@ekiben/spec';
import { InvalidArgumentError, Option, type Command } from 'commander';

import type { ServeOptions } from './serve.ts';

/** @param bento - the directory of the bento that this program is a part of; @param args - all words of the command line */
export function addServeCommand(program: Command, args: readonly string[], bento: string | undefined): void {
  const serve = program
    .command('serve')
    .summary('Serve a service over HTTP')
    .description(
      'Serve a service over HTTP.\n\n' +
        'TARGET is an exported Service: a TypeScript or JavaScript file and the name of its export, or a folder with a service.ts; ' +
        'a bento: its tag, its directory, or a .bento file; or the tag of a model, of which every method is served.',
    )
    .usage('[OPTIONS] [TARGET]')
    .argument('[TARGET]', 'such as src/service.ts:svc, or credit_risk_classifier:latest', '.')
    .option('--production', 'Serve from supervised processes: API workers behind one port, and runner workers.')
    .addOption(
      new Option('--reload', 'Load everything anew when the code or a model in the store changes.').conflicts(
        'production',
      ),
    )
    .option(
      '--config <FILE>',
      'The configuration.  [default: EKIBEN_CONFIG, or bentoconfiguration.yaml in --working-dir]',
    )
    .option('--working-dir <PATH>', 'The directory in which TARGET is looked up.', '.')
    .option('-q, --quiet', 'Print nothing but errors: no access log either.')
    .addOption(hidden('--development', 'The default: one process.').conflicts('production'))
    .addOption(hidden('--verbose, --debug'))
    .addOption(hidden('--do-not-track'))
    .addHelpText(
      'after',
      '\nEach of the options from --port on is a key of bentoconfiguration.yaml, too; see `ekiben config show`.' +
        '\n\nExamples:\n  $ ekiben serve src/service.ts:svc --reload\n  $ ekiben serve . --port 3001\n' +
        '  $ ekiben serve credit_risk_model:latest\n  $ ekiben serve credit_risk_classifier:latest --production',
    );
  for (const option of configurationOptions()) serve.addOption(option);
  serve.action(async (target: string, options: ServeOptions) => {
    const { findBento, serveBento, useBento } = await import('./bento.ts');
    const found = bento ?? (await findBento(target, options.workingDir));
    if (bento === undefined && found !== undefined) return serveBento(found, args);
    const { serveCommand } = await import('./serve.ts');
    if (found === undefined) return serveCommand(target, options);
    const { target: inside, bento: served } = await useBento(found);
    await serveCommand(inside, { ...options, bento: served });
  });
  notOffered(program, 'serve-grpc', 'Ekiben serves no gRPC: use `ekiben serve`, over HTTP');
}

/** Flags that @ekiben/config knows; it checks what is not checked here, and has the defaults. */
function configurationOptions(): readonly Option[] {
  return [
    new Option('-p, --port <INTEGER>', 'The port to listen on; 0 takes a free one.  [default: 3000]').argParser(
      parsePort,
    ),
    new Option('--host <TEXT>', 'The address to listen on; 0.0.0.0 for all.  [default: 127.0.0.1]'),
    new Option(
      '--api-workers <INTEGER>',
      'API workers of --production.  [default: what CPUs and memory allow]',
    ).argParser(parseCount),
    new Option('--unix-socket <PATH>', 'Listen on a Unix socket, and on no port.'),
    new Option('--path-prefix <PATH>', 'A path in front of all others, such as /models/credit.'),
    new Option(
      '--max-concurrency <INTEGER>',
      'Requests that an API worker has in flight; more get 429.  [default: no limit]',
    ).argParser(parseCount),
    new Option('--backlog <INTEGER>', 'Connections that may wait to be accepted.  [default: 2048]').argParser(
      parseCount,
    ),
    new Option('--timeout <SECONDS>', 'How long an API may take to answer, and a call of a runner.  [default: 60]'),
    new Option('--timeout-keep-alive <SECONDS>', 'How long an idle connection is kept.  [default: 72]'),
    new Option('--timeout-graceful-shutdown <SECONDS>', 'For requests in flight when it ends.  [default: 25]'),
    new Option('--ssl-certfile <PATH>', 'The certificate, PEM: serves HTTPS.'),
    new Option('--ssl-keyfile <PATH>', "The certificate's private key, PEM."),
    new Option('--ssl-keyfile-password <TEXT>', 'Of the private key.'),
    new Option(
      '--ssl-version <INTEGER>',
      "A number of Python's ssl: 17 for TLS 1.2 and later, 5 for 1.2.  [default: 17]",
    ),
    new Option(
      '--ssl-cert-reqs <INTEGER>',
      'Whether clients need a certificate: 0 no, 1 it is checked if there is one, 2 yes.  [default: 0]',
    ),
    new Option('--ssl-ca-certs <PATH>', "Authorities that sign clients' certificates, PEM."),
    new Option('--ssl-ciphers <TEXT>', "Ciphers of TLS 1.2, a list of OpenSSL's."),
  ];
}

const hidden = (flags: string, description?: string) => new Option(flags, description).hideHelp();

/** A verb of BentoML's that says what to use instead. */
function notOffered(program: Command, verb: string, instead: string): void {
  program
    .command(verb, { hidden: true })
    .allowUnknownOption()
    .argument('[ARGUMENTS...]')
    .action(() => {
      throw new EkibenError('EKIBEN_VERB_NOT_OFFERED', instead);
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a whole number from 0 to 65535.');
  return port;
}

function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1 on.');
  return Number(text);
}
