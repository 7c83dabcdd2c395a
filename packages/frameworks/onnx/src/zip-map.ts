// ZipMap makes sequences of maps, which the runtimes for JavaScript cannot return: the node is taken out of the graph, its scores become
// an output, and the maps are made here.
import type { Tensor } from '@ekiben/spec';
import { EkibenError } from '@ekiben/spec';
import { fieldsOf, lengthDelimited, numberField } from './protobuf.ts';
import { GRAPH, MODEL, readValueInfo, TYPE, VALUE_INFO, zipMapOutput } from './proto.ts';
import type { ZipMap } from './proto.ts';

/** Scores by label. */
export type ClassScores = Readonly<Record<string, number>>;

/** The model without these nodes, and with their scores as outputs. */
export function withoutZipMaps(file: Uint8Array, zipMaps: readonly ZipMap[]): Uint8Array {
  const parts = [...fieldsOf(file)].map(({ number, bytes, raw }) =>
    number === MODEL.graph ? lengthDelimited(MODEL.graph, graphWithout(bytes, zipMaps)) : raw,
  );
  return Buffer.concat(parts);
}

function graphWithout(graph: Uint8Array, zipMaps: readonly ZipMap[]): Uint8Array {
  const removed = new Set(zipMaps.map(({ output }) => output));
  const outputs = new Set<string>();
  const parts: Uint8Array[] = [];
  for (const { number, bytes, raw } of fieldsOf(graph)) {
    const isOutput = number === GRAPH.output;
    const name = isOutput ? readValueInfo(bytes).name : number === GRAPH.node ? zipMapOutput(bytes) : null;
    if (name !== null && removed.has(name)) continue;
    if (isOutput && name !== null) outputs.add(name);
    parts.push(raw);
  }
  for (const { scores } of zipMaps) {
    if (!outputs.has(scores)) parts.push(floatOutput(scores));
    outputs.add(scores);
  }
  return Buffer.concat(parts);
}

const FLOAT = 1;

function floatOutput(name: string): Uint8Array {
  const type = lengthDelimited(TYPE.tensor, numberField(TYPE.elemType, FLOAT));
  const info = [lengthDelimited(VALUE_INFO.name, Buffer.from(name)), lengthDelimited(VALUE_INFO.type, type)];
  return lengthDelimited(GRAPH.output, Buffer.concat(info));
}

/**
 * What ZipMap makes of scores `[n, labels]`, or `[labels]`, which counts as one row.
 * @throws EKIBEN_ONNX_RUN_FAILED when there are not as many scores in a row as labels
 */
export function zipScores({ data, shape }: Tensor, { labels, output }: ZipMap): ClassScores[] {
  const columns = shape.at(-1) ?? 0;
  if (columns !== labels.length || shape.length > 2) {
    const fault = `output ${output}: scores of shape [${shape.join(', ')}] do not fit its ${labels.length} labels`;
    throw new EkibenError('EKIBEN_ONNX_RUN_FAILED', fault);
  }
  const rows = columns === 0 ? 0 : data.length / columns;
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(labels.map((label, i) => [label, Number(data[row * columns + i])])),
  );
}
