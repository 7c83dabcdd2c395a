// Opens a session with the first execution providers that work here.
import { channel } from 'node:diagnostics_channel';
import type { InferenceSession } from 'onnxruntime-node';
import { EkibenError } from '@ekiben/spec';
import { readExternalFile } from './external-data.ts';
import { invalidModel, reasonOf } from './fault.ts';
import { checkProviders, nameOf } from './options.ts';
import type { Provider } from './options.ts';
import { defaultProviders, threadCount } from './resources.ts';
import type { Runtime, RuntimeName } from './runtime.ts';

/** On the diagnostics channel `ekiben:onnx:session`, when a model is opened. */
export interface SessionOpened {
  readonly runtime: RuntimeName;
  readonly version: string;
  /** Those in use; the CPU is always the last. */
  readonly providers: readonly string[];
  /** Those that were asked for and do not work here. */
  readonly missed: readonly { readonly provider: string; readonly reason: string }[];
  /** For one operator. */
  readonly threads: number;
}

const sessionOpened = channel('ekiben:onnx:session');

export interface OpenOptions {
  /** Tried in this order, then the CPU. @default the CPU; CUDA before it where the runner was given a GPU */
  readonly providers?: readonly Provider[] | undefined;
  readonly session?: SessionOptions | undefined;
}

/** ONNX Runtime's own; https://onnxruntime.ai/docs/api/js/interfaces/InferenceSession.SessionOptions.html has all of them. */
export interface SessionOptions {
  /** Threads for one operator. @default what the runner allows, else the CPUs that the process has */
  readonly intraOpNumThreads?: number | undefined;
  /** Threads for operators side by side, where `executionMode` is `parallel`. */
  readonly interOpNumThreads?: number | undefined;
  /** @default 'all' */
  readonly graphOptimizationLevel?: 'disabled' | 'basic' | 'extended' | 'layout' | 'all' | undefined;
  /** @default 'sequential' */
  readonly executionMode?: 'sequential' | 'parallel' | undefined;
  /** By ONNX Runtime's names for settings: `{ session: { intra_op: { allow_spinning: '0' } } }`. */
  readonly extra?: { readonly session?: object | undefined; readonly [setting: string]: unknown } | undefined;
  /** Say `providers`, beside `session`. */
  readonly executionProviders?: undefined;
  readonly [option: string]: unknown;
}

/** A model as a runtime takes it. */
export interface Openable {
  /** Bytes where the model has no path, or was changed since. */
  readonly model: string | Uint8Array;
  /** The folder of its external files. */
  readonly dir: string | null;
  readonly externalFiles: readonly string[];
}

export interface Opened extends SessionOpened {
  readonly session: InferenceSession;
}

/** @throws EKIBEN_ONNX_MODEL_INVALID with what the runtime says of the model; EKIBEN_ONNX_PROVIDER */
export async function openSession(runtime: Runtime, source: Openable, options: OpenOptions): Promise<Opened> {
  const { intraOpNumThreads = threadCount(), extra, executionProviders, ...rest } = options.session ?? {};
  if (executionProviders !== undefined) {
    throw new EkibenError('EKIBEN_ONNX_PROVIDER', 'say `providers` beside `session`, not `executionProviders` in it');
  }
  const common = { ...rest, intraOpNumThreads, ...(await externalData(runtime, source, extra)) };
  const wanted = checkProviders(options.providers ?? defaultProviders()).filter(
    (provider) => nameOf(provider) !== 'cpu',
  );
  // Those that a build has not, ONNX Runtime leaves out by itself, and does not tell.
  const providers = wanted.filter((provider) => runtime.providers.includes(nameOf(provider)));
  const missed = wanted
    .filter((provider) => !providers.includes(provider))
    .map((provider) => ({ provider: nameOf(provider), reason: `this ${runtime.name} is built without it` }));
  for (;;) {
    try {
      const session = await create(runtime, source.model, common, providers);
      const event: SessionOpened = {
        runtime: runtime.name,
        version: runtime.version,
        providers: [...providers.map(nameOf), 'cpu'],
        missed,
        threads: intraOpNumThreads,
      };
      report(event);
      return { ...event, session };
    } catch (error) {
      const failed = providers.shift();
      if (failed === undefined) throw invalidModel(`ONNX Runtime does not open the model: ${reasonOf(error)}`, error);
      missed.push({ provider: nameOf(failed), reason: reasonOf(error) });
    }
  }
}

async function create(
  { name, InferenceSession: Session }: Runtime,
  model: string | Uint8Array,
  common: object,
  providers: readonly Provider[],
): Promise<InferenceSession> {
  const options = { ...common, executionProviders: [...providers, name === 'onnxruntime-web' ? 'wasm' : 'cpu'] };
  // The types know fewer options than the runtime.
  const known = options as InferenceSession.SessionOptions;
  return typeof model === 'string' ? Session.create(model, known) : Session.create(model, known);
}

/** Where the external files are, in the words of each runtime. */
async function externalData(
  runtime: Runtime,
  { model, dir, externalFiles }: Openable,
  extra: SessionOptions['extra'],
): Promise<object> {
  const own = extra === undefined ? {} : { extra };
  if (dir === null || externalFiles.length === 0) return own;
  if (runtime.name === 'onnxruntime-web') {
    const files = externalFiles.map(async (path) => ({ path, data: await readExternalFile(dir, path) }));
    return { ...own, externalData: await Promise.all(files) };
  }
  if (typeof model === 'string') return own; // it looks beside the path
  return { extra: { ...extra, session: { ...extra?.session, model_external_initializers_file_folder_path: dir } } };
}

function report(event: SessionOpened): void {
  if (sessionOpened.hasSubscribers) sessionOpened.publish(event);
  for (const { provider, reason } of event.missed) {
    const message = `the ONNX execution provider ${provider} does not work here, using ${event.providers.join(', ')}: ${reason}`;
    process.emitWarning(message, { code: 'EKIBEN_ONNX_FALLBACK' });
  }
}
