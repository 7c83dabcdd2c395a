/** Who may call a service: those who know a key. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { EkibenError } from '@ekiben/spec';
import { HttpError } from './http-error.ts';
import type { Middleware } from './middleware.ts';

export interface ApiKeysOptions {
  /** All that are good, so that one can be replaced by another while both are. */
  readonly keys: readonly string[];
  /** The request header that has the key. A key may also come as `Authorization: Bearer`. @default 'x-api-key' */
  readonly header?: string | undefined;
}

/** A key that can be guessed is none, and of other characters nobody knows how a client sends them in a header. */
const KEY = /^[\x21-\x7e]{16,}$/;

/**
 * Lets in who brings a key; 401 for others. It guards all that `use` does: the APIs and pages, not the health probes.
 *
 * How long a refusal takes says nothing of the keys: digests are compared, in constant time, and always all of them.
 *
 * @throws EKIBEN_SERVICE_INVALID without a key, or with one that is not of 16 or more visible characters of ASCII
 *
 * @example
 * svc.use(apiKeys({ keys: (process.env.API_KEYS ?? '').split(',') }))
 */
export function apiKeys({ keys, header = 'x-api-key' }: ApiKeysOptions): Middleware {
  if (keys.length === 0 || !keys.every((key) => KEY.test(key))) {
    const message = 'API keys: there has to be one, and each has 16 or more visible characters of ASCII, and no space.';
    throw new EkibenError('EKIBEN_SERVICE_INVALID', message);
  }
  const good = keys.map(digest);
  return ({ request: { headers } }, next) => {
    const [, bearer] = /^Bearer +(.+)$/i.exec(headers.get('authorization') ?? '') ?? [];
    const given = digest(headers.get(header) ?? bearer ?? '');
    const equal = good.filter((key) => timingSafeEqual(key, given));
    if (equal.length > 0) return next();
    throw new HttpError(401, `This service wants an API key, in the header ${header}.`, {
      headers: { 'www-authenticate': 'Bearer' },
    });
  };
}

const digest = (key: string) => createHash('sha256').update(key).digest();
