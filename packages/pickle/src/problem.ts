/** What is wrong with a pickle, said where it is noticed; `readPickle` adds the offset and the opcode. */
export class Problem extends Error {
  readonly kind: 'TRUNCATED' | 'INVALID' | 'UNSUPPORTED' | 'LIMIT';

  constructor(kind: Problem['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export function invalid(message: string): never {
  throw new Problem('INVALID', message);
}

export function unsupported(message: string): never {
  throw new Problem('UNSUPPORTED', message);
}

export function overLimit(limit: string, max: number): never {
  throw new Problem('LIMIT', `more than ${limit} allows (${max})`);
}
