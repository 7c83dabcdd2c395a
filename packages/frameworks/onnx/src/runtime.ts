// ONNX Runtime is an optional peer: found when it is first needed, native where there is a build for the platform, else WebAssembly.
import { EkibenError } from '@ekiben/spec';
import type * as OnnxRuntime from 'onnxruntime-node';
import { reasonOf } from './fault.ts';

export type RuntimeName = 'onnxruntime-node' | 'onnxruntime-web';

export interface Runtime {
  readonly name: RuntimeName;
  readonly version: string;
  /** Execution providers that this build has; whether one works shows when a session opens. */
  readonly providers: readonly string[];
  readonly Tensor: typeof OnnxRuntime.Tensor;
  readonly InferenceSession: typeof OnnxRuntime.InferenceSession;
}

/** What installs it: its script would download CUDA libraries. */
const INSTALL = 'ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node';

/**
 * @param wanted - no other will do
 * @throws EKIBEN_ONNX_RUNTIME_MISSING
 */
export async function findRuntime(wanted?: RuntimeName): Promise<Runtime> {
  const failures: string[] = [];
  for (const name of wanted === undefined ? (['onnxruntime-node', 'onnxruntime-web'] as const) : [wanted]) {
    try {
      const runtime = await importRuntime(name);
      if (failures.length > 0) warnOfWeb(failures);
      return runtime;
    } catch (error) {
      failures.push(`${name} ${isMissing(error, name) ? 'is not installed' : `does not load: ${reasonOf(error)}`}`);
    }
  }
  throw new EkibenError(
    'EKIBEN_ONNX_RUNTIME_MISSING',
    `an ONNX model needs ONNX Runtime, but ${failures.join(', and ')}. Install it: \`${INSTALL}\`, ` +
      'or, where it has no build for the platform, `npm i onnxruntime-web`',
  );
}

async function importRuntime(name: RuntimeName): Promise<Runtime> {
  if (name === 'onnxruntime-node') {
    const { Tensor, InferenceSession, env, listSupportedBackends } = await import('onnxruntime-node');
    const providers = listSupportedBackends().map((backend) => backend.name);
    return { name, version: env.versions.node ?? '', providers, Tensor, InferenceSession };
  }
  // Its types are the same, of the package that both share.
  const web = (await import('onnxruntime-web')) as unknown as typeof OnnxRuntime;
  const { Tensor, InferenceSession, env } = web;
  return { name, version: env.versions.web ?? '', providers: ['cpu'], Tensor, InferenceSession };
}

function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === 'ERR_MODULE_NOT_FOUND' && String(message).includes(`'${name}'`);
}

function warnOfWeb(failures: readonly string[]): void {
  process.emitWarning(`${failures.join(', ')}; ONNX models run on onnxruntime-web, which is slower`, {
    code: 'EKIBEN_ONNX_FALLBACK',
  });
}
