// TensorFlow.js is an optional peer, and its backend is one for the whole process: found when it is first needed.
import { EkibenError } from '@ekiben/spec';
import { channel } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import type * as Core from '@tensorflow/tfjs-core';
import { reasonOf } from './fault.ts';

export type TensorFlow = typeof Core;

/** `tensorflow` is that of tfjs-node. */
export type BackendName = 'tensorflow' | 'wasm' | 'cpu';

/** On the diagnostics channel `ekiben:tfjs:backend`, when the backend is chosen. */
export interface BackendChosen {
  /** One of {@link BackendName}, or what the program itself has set. */
  readonly backend: string;
  /** Of TensorFlow.js. */
  readonly version: string;
  /** Those that come first and do not work here. */
  readonly missed: readonly { readonly backend: BackendName; readonly reason: string }[];
}

const backendChosen = channel('ekiben:tfjs:backend');

const INSTALL =
  'npm i @tensorflow/tfjs-core @tensorflow/tfjs-layers @tensorflow/tfjs-converter @tensorflow/tfjs-backend-wasm';

// Not literals: neither is a dependency, nor has types here.
const NODE_PACKAGE = '@tensorflow/tfjs-node';
const CPU_PACKAGE = '@tensorflow/tfjs-backend-cpu';
const WASM_PACKAGE = '@tensorflow/tfjs-backend-wasm';

/** Each registers its backend. */
const REGISTER: { readonly [Name in BackendName]: () => Promise<void> } = {
  tensorflow: async () => void (await import(NODE_PACKAGE)),
  wasm: registerWasm,
  cpu: async () => void (await import(resolveBesideWasm(CPU_PACKAGE))),
};

let choosing: Promise<string> | undefined;

/**
 * TensorFlow.js with a backend: the one that the program has set, else the first that works of tfjs-node, WebAssembly and plain JavaScript.
 *
 * @param wanted - no other will do
 * @throws EKIBEN_TFJS_MISSING with the command that installs it; EKIBEN_TFJS_BACKEND when the process has another backend than wanted
 */
export async function useBackend(wanted?: BackendName): Promise<{ tf: TensorFlow; backend: string }> {
  const tf = await importPeer(() => import('@tensorflow/tfjs-core'));
  choosing ??= choose(tf, wanted).catch((error: unknown) => {
    choosing = undefined;
    throw error;
  });
  await choosing;
  const backend = tf.getBackend();
  if (wanted === undefined || backend === wanted) return { tf, backend };
  const message = `the backend ${wanted} is wanted, but this process has ${backend}: TensorFlow.js has one for all its models`;
  throw new EkibenError('EKIBEN_TFJS_BACKEND', message);
}

/** @throws EKIBEN_TFJS_MISSING */
export async function importPeer<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const message = `a TensorFlow.js model needs its packages, but one does not load (${reasonOf(cause)}). Install them: \`${INSTALL}\``;
    throw new EkibenError('EKIBEN_TFJS_MISSING', message, { cause });
  }
}

async function choose(tf: TensorFlow, wanted: BackendName | undefined): Promise<string> {
  const set = tf.getBackend() as string | undefined;
  const missed: { backend: BackendName; reason: string }[] = [];
  if (set !== undefined && set !== '') return report(tf, set, missed);
  for (const backend of wanted === undefined ? (['tensorflow', 'wasm', 'cpu'] as const) : [wanted]) {
    try {
      await REGISTER[backend]();
      // False, or nothing registered: tfjs-node brought a TensorFlow.js of its own.
      if (!(await tf.setBackend(backend))) throw new Error('it does not start');
      return report(tf, backend, missed);
    } catch (error) {
      missed.push({ backend, reason: reasonOf(error) });
    }
  }
  const reasons = missed.map(({ backend, reason }) => `${backend}: ${reason}`).join('; ');
  throw new EkibenError(
    'EKIBEN_TFJS_MISSING',
    `no backend of TensorFlow.js works here (${reasons}). Install one: \`${INSTALL}\``,
  );
}

async function registerWasm(): Promise<void> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(`${dirname(createRequire(import.meta.url).resolve(WASM_PACKAGE))}${sep}`);
}

/** The backend in plain JavaScript is a dependency of the one in WebAssembly, and of the package `@tensorflow/tfjs`. */
function resolveBesideWasm(name: string): string {
  const require = createRequire(import.meta.url);
  try {
    return createRequire(require.resolve(WASM_PACKAGE)).resolve(name);
  } catch {
    return name;
  }
}

function report(tf: TensorFlow, backend: string, missed: BackendChosen['missed']): string {
  const event: BackendChosen = { backend, version: tf.version_core, missed };
  if (backendChosen.hasSubscribers) backendChosen.publish(event);
  for (const { backend: failed, reason } of missed) {
    // That tfjs-node is not there is nothing to warn of: hardly anybody has it.
    if (failed === 'tensorflow' && isNotInstalled(reason)) continue;
    const message = `the TensorFlow.js backend ${failed} does not work here, using ${backend}: ${reason}`;
    process.emitWarning(message, { code: 'EKIBEN_TFJS_FALLBACK' });
  }
  return backend;
}

const isNotInstalled = (reason: string): boolean => reason.includes(`'${NODE_PACKAGE}'`);
