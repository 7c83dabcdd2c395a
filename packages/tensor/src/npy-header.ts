/**
 * The header of a `.npy` file: a Python dict literal, such as `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Read token by token, never evaluated.
 */
import { EkibenError } from '@ekiben/spec';

export interface NpyHeader {
  /** NumPy's array-protocol type string: byte order, kind, width; such as `<f4`. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** Strings without escapes, booleans, whole numbers (Python 2 wrote `3L`), punctuation. */
const TOKEN = /\s*(?:'([^'\\]*)'|"([^"\\]*)"|(True|False)|(\d+)L?|([{}()[\]:,]))/y;

type Token = string | boolean | number | { readonly mark: string };

/** @throws EKIBEN_NPY_INVALID, or EKIBEN_NPY_UNSUPPORTED for structured dtypes */
export function parseNpyHeader(text: string): NpyHeader {
  const tokens = tokenize(text.trimEnd());
  let next = 0;
  const isMark = (mark: string) => typeof tokens[next] === 'object' && (tokens[next] as { mark: string }).mark === mark;
  const accept = (mark: string) => isMark(mark) && ++next > 0;
  const expect = (mark: string) => {
    if (!accept(mark)) throw invalid(text);
  };
  const tuple = () => {
    const lengths: number[] = [];
    expect('(');
    while (!accept(')')) {
      const length = tokens[next++];
      if (typeof length !== 'number') throw invalid(text);
      lengths.push(length);
      if (!isMark(')')) expect(',');
    }
    return lengths;
  };

  let descr: Token | undefined;
  let fortranOrder: Token | undefined;
  let shape: number[] | undefined;
  expect('{');
  while (!accept('}')) {
    const key = tokens[next++];
    expect(':');
    if (key === 'descr') {
      if (isMark('['))
        throw new EkibenError('EKIBEN_NPY_UNSUPPORTED', 'a .npy file with a structured dtype is no tensor');
      descr = tokens[next++];
    } else if (key === 'fortran_order') fortranOrder = tokens[next++];
    else if (key === 'shape') shape = tuple();
    else throw invalid(text);
    if (!isMark('}')) expect(',');
  }
  if (next !== tokens.length || typeof descr !== 'string' || typeof fortranOrder !== 'boolean' || shape === undefined) {
    throw invalid(text);
  }
  return { descr, fortranOrder, shape };
}

export function formatNpyHeader({ descr, fortranOrder, shape }: NpyHeader): string {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  return `{'descr': '${descr}', 'fortran_order': ${fortranOrder ? 'True' : 'False'}, 'shape': ${tuple}, }`;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (match === null) throw invalid(text);
    const [, single, double, boolean, digits, mark] = match;
    if (mark !== undefined) tokens.push({ mark });
    else if (boolean !== undefined) tokens.push(boolean === 'True');
    else tokens.push(digits === undefined ? (single ?? double ?? '') : Number(digits));
  }
  return tokens;
}

const invalid = (text: string) =>
  new EkibenError('EKIBEN_NPY_INVALID', `not a .npy header: ${JSON.stringify(text.slice(0, 200))}`);
