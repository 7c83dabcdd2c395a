/** An answer as a value, or as one value after another. */
import { isLines } from './encode.ts';

const typeOf = (response: Response) => response.headers.get('content-type') ?? '';

const isJson = (type: string) => /^application\/(?:[\w.-]+\+)?json\b/i.test(type);

/** JSON as its value, text as a string, anything else as bytes. No body is undefined. */
export async function valueOf(response: Response): Promise<unknown> {
  const type = typeOf(response);
  if (response.status === 204) return undefined;
  if (isJson(type)) return response.json();
  if (/^text\//i.test(type)) return response.text();
  if (/^multipart\/form-data\b/i.test(type)) return fieldsOf(await response.formData());
  return new Uint8Array(await response.arrayBuffer());
}

/** A form's fields by name: JSON parts as their values, other files as bytes; several of a name are an array. */
async function fieldsOf(form: FormData): Promise<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const name of new Set(form.keys())) {
    const values = await Promise.all(form.getAll(name).map(fieldOf));
    fields[name] = values.length === 1 ? values[0] : values;
  }
  return fields;
}

async function fieldOf(value: string | File): Promise<unknown> {
  if (typeof value === 'string') return value;
  return isJson(value.type) ? JSON.parse(await value.text()) : new Uint8Array(await value.arrayBuffer());
}

/**
 * Server-sent events, JSON line by line, text chunk by chunk; anything else as bytes.
 * @param dataType - the media type of the events' data
 */
export function itemsOf(response: Response, dataType = 'text/plain'): AsyncIterable<unknown> {
  const type = typeOf(response);
  const chunks = chunksOf(response);
  if (/^text\/event-stream\b/i.test(type)) return eventsIn(linesOf(textOf(chunks)), isJson(dataType));
  if (isLines(type)) return valuesIn(linesOf(textOf(chunks)));
  return /^text\//i.test(type) ? textOf(chunks) : chunks;
}

/** Not every browser's stream can be iterated. */
async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array, void> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // Who leaves early ends the request; after the end it does nothing.
    await reader.cancel().catch(() => {});
  }
}

async function* textOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    if (text !== '') yield text;
  }
  const rest = decoder.decode();
  if (rest !== '') yield rest;
}

async function* linesOf(texts: AsyncIterable<string>): AsyncGenerator<string, void> {
  let rest = '';
  for await (const text of texts) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
}

async function* valuesIn(lines: AsyncIterable<string>): AsyncGenerator<unknown, void> {
  for await (const line of lines) if (line.trim() !== '') yield JSON.parse(line);
}

/** As https://html.spec.whatwg.org/#event-stream-interpretation has it. */
async function* eventsIn(lines: AsyncIterable<string>, isDataJson: boolean): AsyncGenerator<unknown, void> {
  let data: string[] = [];
  let others: Record<string, unknown> = {};
  for await (const line of lines) {
    if (line !== '') {
      const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (name === 'data') data.push(value);
      else if (name === 'retry') others['retry'] = Number(value);
      else if (name === 'event' || name === 'id') others[name] = value;
      continue;
    }
    const text = data.join('\n');
    if (data.length > 0) yield { ...others, data: isDataJson ? (JSON.parse(text) as unknown) : text };
    data = [];
    others = {};
  }
}
