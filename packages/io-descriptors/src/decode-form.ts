/** From the parts of a form to its values. */
import { EkibenError, pointerTo } from '@ekiben/spec';
import { collect } from './body.ts';
import { FaultList, refusedInput } from './faults.ts';
import type { Part } from './form.ts';
import { valuesOf } from './form-fields.ts';
import type { AnyDescriptor, Field, Values } from './form-fields.ts';
import { essenceOf } from './media-type.ts';

/** @throws EKIBEN_INVALID_INPUT with every fault of every part */
export async function decodeForm(form: AsyncGenerator<Part, void>, fields: readonly Field[]): Promise<Values> {
  const found = new Map<string, unknown[]>(fields.map(({ name }) => [name, []]));
  const faults = new FaultList();
  let streamed: Field | undefined;
  try {
    while (streamed === undefined) {
      const { done, value: part } = await form.next();
      if (done === true) break;
      const field = fields.find(({ name }) => name === part.name);
      const values = found.get(part.name);
      if (field === undefined || values === undefined) faults.add(pointerTo(part.name), 'is no part of this form');
      else if (values.length >= field.max) faults.add(pointerTo(part.name), `must come at most ${field.max} times`);
      else if (field.descriptor.streams === true) {
        streamed = field;
        values.push(await decodePart(field, { ...part, content: lastContent(part, form) }, 0, faults));
      } else values.push(await decodePart(field, part, values.length, faults));
    }
    for (const { name, min } of fields) {
      const count = found.get(name)?.length ?? 0;
      if (count >= min) continue;
      const isLate = streamed !== undefined ? `, before ${streamed.name}, which has to come last` : '';
      faults.add(pointerTo(name), min === 1 ? `is required${isLate}` : `must come at least ${min} times${isLate}`);
    }
    faults.throwIfAny(refusedInput);
  } catch (error) {
    await form.return();
    throw error;
  }
  return valuesOf(fields, (name) => found.get(name) ?? []);
}

/** Undefined when there are faults, which go to the list. */
async function decodePart(field: Field, part: Part, index: number, faults: FaultList): Promise<unknown> {
  const { name, descriptor, isRepeated } = field;
  const pointer = isRepeated ? pointerTo(name, String(index)) : pointerTo(name);
  const body = descriptor.streams === true ? part.content : await gather(part, descriptor.maxBytes, pointer);
  try {
    return await descriptor.decode(body, partType(part.contentType, descriptor), part.filename);
  } catch (error) {
    if (!EkibenError.is(error)) throw error;
    const { code, message, details } = error;
    if (code !== 'EKIBEN_INVALID_INPUT' && code !== 'EKIBEN_MALFORMED_JSON') throw ofPart(pointer, error);
    for (const fault of details?.errors ?? [{ pointer: '', message }])
      faults.add(pointer + fault.pointer, fault.message);
    return undefined;
  }
}

/** What is wrong with the form itself comes out as it is. */
async function gather({ content }: Part, maxBytes: number, pointer: string): Promise<Uint8Array> {
  try {
    return await collect(content, maxBytes);
  } catch (error) {
    throw EkibenError.is(error) && error.code === 'EKIBEN_BODY_TOO_LARGE' ? ofPart(pointer, error) : error;
  }
}

const ofPart = (pointer: string, cause: EkibenError) =>
  new EkibenError(cause.code, `Part ${pointer.slice(1)}: ${cause.message}`, { details: cause.details, cause });

/** What clients say of anything: a form's field is text to them, a file bytes. Then the descriptor knows better. */
const VAGUE: readonly string[] = ['text/plain', 'application/octet-stream'];

function partType(contentType: string | undefined, { mediaTypes }: AnyDescriptor): string | undefined {
  const essence = essenceOf(contentType);
  const isVague =
    essence !== undefined && VAGUE.includes(essence) && !mediaTypes.includes(essence) && mediaTypes[0] !== '*/*';
  return isVague ? undefined : contentType;
}

/** The content of a part that has to be the last; the handler reads it. */
async function* lastContent(
  { name, content }: Part,
  form: AsyncGenerator<Part, void>,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* content;
    const { done, value: part } = await form.next();
    if (done !== true) {
      throw refusedInput([
        { pointer: pointerTo(part.name), message: `must come before ${name}, which has to come last` },
      ]);
    }
  } finally {
    await form.return();
  }
}
