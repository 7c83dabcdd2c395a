// A model's way into the store: its files, or what TensorFlow.js says when it is asked to save.
import type { Draft, SavedModel, Signature } from '@ekiben/spec';
import { copyModel, formatOf, modelJsonPath, readModelJson, writeArtifacts } from './artifacts.ts';
import type { Artifacts, Described } from './artifacts.ts';
import { invalidModel } from './fault.ts';

/** A `tf.LayersModel` or `tf.GraphModel`, of whichever package. */
export interface SaveableModel {
  save(handler: { save(artifacts: Artifacts): Promise<SaveResult> }): Promise<unknown>;
}

/** What TensorFlow.js expects of a handler. */
export interface SaveResult {
  readonly modelArtifactsInfo: { readonly dateSaved: Date; readonly modelTopologyType: 'JSON' };
}

/** @throws EKIBEN_TFJS_MODEL_INVALID */
export async function saveTfjs(model: SaveableModel | string, draft: Draft): Promise<SavedModel> {
  const write = (name: string, bytes: Uint8Array) => draft.write(name, bytes);
  if (typeof model === 'string') {
    const file = await modelJsonPath(model);
    await copyModel(file, write);
    return saved(await readModelJson(file));
  }
  if (typeof (model as Partial<SaveableModel> | null)?.save !== 'function') {
    throw invalidModel('a model to save is a path, a tf.LayersModel, a tf.GraphModel, or what loadTfjs gives');
  }
  let artifacts: Artifacts | undefined;
  await model.save({
    async save(given) {
      artifacts = given;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    },
  });
  if (artifacts === undefined) throw invalidModel('the model did not save itself');
  await writeArtifacts(artifacts, write);
  return saved(artifacts);
}

interface Writers {
  readonly generatedBy?: string | undefined;
  readonly convertedBy?: string | null | undefined;
}

function saved(model: Described & Writers): SavedModel {
  const versions = Object.entries({ generated_by: model.generatedBy, converted_by: model.convertedBy });
  return {
    options: {},
    versions: Object.fromEntries(versions.filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    signatures: { predict: signatureOf(model) },
  };
}

/** The first axis of a layers model is its batch. That of a graph may be anything, such as the length of one text. */
function signatureOf(model: Described): Signature {
  const batchable = formatOf(model) === 'layers-model';
  return batchable ? { batchable, batchDim: [0, 0], retrySafe: true } : { batchable, retrySafe: true };
}
