// A repository of a registry, by the OCI distribution specification (https://github.com/opencontainers/distribution-spec) and Docker's
// tokens (https://distribution.github.io/distribution/spec/auth/). By hand: of the clients on npm, those that can push are unkept or
// need a newer Node.
import { setTimeout as sleep } from 'node:timers/promises';
import { EkibenError } from '@ekiben/spec';
import { findCredentials, type Credentials } from './credentials.ts';
import { readBody, send, type HttpRequest, type HttpResponse } from './http.ts';
import { ANSWER_MAX_BYTES, MANIFEST_MAX_BYTES, REDIRECTS_MAX } from './limits.ts';
import { invalidImage, isObject, MANIFESTS_ACCEPTED, readObject, type Descriptor } from './manifest.ts';
import { DOCKER_HUB, type ImageReference } from './reference.ts';

export interface RegistryOptions {
  /** @default what Docker's configuration has */
  readonly credentials?: ((registry: string) => Promise<Credentials | undefined>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Other repositories of the registry that are read, for blobs to be mounted from. */
  readonly alsoRead?: readonly string[] | undefined;
  /** The first pause before a request is made again; each further one is twice as long. @default 500 */
  readonly pauseMs?: number | undefined;
}

const PAUSE_MS = 500;
/** Half a second, one, two, four: a registry that restarts is back by then. */
const TRIES = 5;
/** A registry that says how long to wait is believed up to here. */
const RETRY_AFTER_MAX_MS = 60_000;

export interface RegistryRequest extends HttpRequest {
  /** Statuses that the caller knows what to do with, beside 2xx. */
  readonly expects?: readonly number[] | undefined;
  /** Whether it may be made again when it fails on the way. @default true */
  readonly again?: boolean | undefined;
}

export class Registry {
  readonly name: string;
  readonly repository: string;
  readonly signal: AbortSignal | undefined;
  readonly #base: URL;
  readonly #scopes: readonly string[];
  readonly #options: RegistryOptions;
  #credentials: Promise<Credentials | undefined> | undefined;
  #authorization: string | undefined;
  #authorizing: Promise<string> | undefined;

  /** @param actions - `pull`, or `pull,push` */
  constructor({ registry, repository }: ImageReference, actions: 'pull' | 'pull,push', options: RegistryOptions = {}) {
    this.name = registry;
    this.repository = repository;
    this.signal = options.signal;
    this.#options = options;
    const host = registry === DOCKER_HUB ? 'registry-1.docker.io' : registry;
    this.#base = new URL(`${isLoopback(host) ? 'http' : 'https'}://${host}/v2/${repository}/`);
    this.#scopes = [
      `repository:${repository}:${actions}`,
      ...(options.alsoRead ?? []).map((other) => `repository:${other}:pull`),
    ];
  }

  /**
   * The bytes of the manifest that a tag or a digest means; whoever asks by a digest checks that they have it.
   * @returns undefined where there is none
   * @throws EKIBEN_REGISTRY_DENIED, EKIBEN_REGISTRY_FAILED, EKIBEN_IMAGE_INVALID
   */
  async manifest(reference: string): Promise<Uint8Array | undefined> {
    const response = await this.request(`manifests/${reference}`, {
      headers: { accept: MANIFESTS_ACCEPTED },
      expects: [404],
    });
    const bytes = await readBody(response, MANIFEST_MAX_BYTES);
    return response.status === 404 ? undefined : bytes;
  }

  /** @param reference - a tag, or the digest of `bytes` */
  async putManifest(reference: string, mediaType: string, bytes: Uint8Array): Promise<HttpResponse['headers']> {
    const response = await this.request(`manifests/${reference}`, {
      method: 'PUT',
      headers: { 'content-type': mediaType },
      body: bytes,
    });
    await readBody(response);
    return response.headers;
  }

  async hasBlob(digest: string): Promise<boolean> {
    const response = await this.request(`blobs/${digest}`, { method: 'HEAD', expects: [404] });
    response.body.resume();
    return response.status === 200;
  }

  /** The bytes of a blob; a download that breaks goes on where it broke. Whoever reads checks the digest. */
  async *blob({ digest, size }: Descriptor): AsyncGenerator<Uint8Array> {
    let offset = 0;
    for (let failures = 0; ;) {
      const before = offset;
      try {
        const headers = offset === 0 ? {} : { range: `bytes=${offset}-` };
        const response = await this.request(`blobs/${digest}`, { headers, expects: [404] });
        if (response.status === 404) throw this.#failed(`has no blob ${digest}`);
        // One that knows no ranges begins anew.
        let skip = response.status === 206 ? 0 : offset;
        for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
          const rest = chunk.subarray(Math.min(skip, chunk.length));
          skip -= chunk.length - rest.length;
          offset += rest.length;
          if (offset > size)
            throw invalidImage(`${this.name}/${this.repository}`, `${digest} has more than ${size} bytes`);
          if (rest.length > 0) yield rest;
        }
        return;
      } catch (error) {
        failures = offset > before ? 1 : failures + 1;
        await this.#pauseAfter(error, failures);
      }
    }
  }

  /**
   * @param path - below the repository, or a whole address that the registry gave
   * @throws EKIBEN_REGISTRY_DENIED, EKIBEN_REGISTRY_FAILED with what the registry said
   */
  async request(path: string, options: RegistryRequest = {}): Promise<HttpResponse> {
    const url = new URL(path, this.#base);
    for (let failures = 0; ;) {
      try {
        const response = await this.#authorized(url, options);
        const { status } = response;
        if ((status >= 200 && status < 300) || options.expects?.includes(status) === true) return response;
        const error = await this.#refusal(response);
        if (status !== 429 && status !== 408 && status < 500) throw error;
        if (options.again === false) throw error;
        failures++;
        if (failures === TRIES) throw error;
        await this.#sleep(failures, retryAfter(response));
      } catch (error) {
        this.signal?.throwIfAborted();
        if (options.again === false) throw EkibenError.is(error) ? error : this.#broken(error);
        failures++;
        await this.#pauseAfter(error, failures);
      }
    }
  }

  /** Waits before another try, or throws when there is none. */
  async #pauseAfter(error: unknown, failures: number): Promise<void> {
    this.signal?.throwIfAborted();
    if (EkibenError.is(error)) throw error;
    if (failures >= TRIES || isFinal(error)) throw this.#broken(error);
    await this.#sleep(failures);
  }

  async #sleep(failures: number, atLeast = 0): Promise<void> {
    const pause = (this.#options.pauseMs ?? PAUSE_MS) * 2 ** (failures - 1);
    await sleep(Math.max(pause, atLeast), undefined, { ...(this.signal !== undefined && { signal: this.signal }) });
  }

  async #authorized(url: URL, options: RegistryRequest): Promise<HttpResponse> {
    const used = this.#authorization;
    const response = await this.#follow(url, options);
    if (response.status !== 401 || url.origin !== this.#base.origin) return response;
    const challenge = response.headers['www-authenticate'] ?? '';
    await readBody(response);
    // Of several requests at once, the first that is refused asks for all.
    if (this.#authorization === used) {
      this.#authorizing ??= this.#authorize(challenge, used).finally(() => (this.#authorizing = undefined));
      this.#authorization = await this.#authorizing;
    }
    return this.#follow(url, options);
  }

  /** Redirects of what is read lead to the storage behind the registry, which must not learn who we are. */
  async #follow(url: URL, options: RegistryRequest): Promise<HttpResponse> {
    const { method = 'GET', body, headers = {}, signal = this.signal } = options;
    for (let current = url, redirects = 0; ; redirects++) {
      const isOurs = current.origin === this.#base.origin;
      const authorization = isOurs && this.#authorization !== undefined ? { authorization: this.#authorization } : {};
      const response = await send(current, { method, body, signal, headers: { ...headers, ...authorization } });
      const { location } = response.headers;
      const isRedirect = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined;
      if (!isRedirect || (method !== 'GET' && method !== 'HEAD')) return response;
      response.body.resume();
      const target = URL.canParse(location, current.href) ? new URL(location, current.href) : undefined;
      const isSafe = target?.protocol === 'https:' || (target?.protocol === 'http:' && this.#base.protocol === 'http:');
      if (target === undefined || !isSafe || redirects === REDIRECTS_MAX) {
        throw this.#failed('redirects to where we do not go: too often, or to what is not https');
      }
      current = target;
    }
  }

  /**
   * @param refused - the header that was not enough
   * @returns the one to send from now on
   */
  async #authorize(challenge: string, refused: string | undefined): Promise<string> {
    this.#credentials ??= (this.#options.credentials ?? findCredentials)(this.name);
    const credentials = await this.#credentials;
    const { scheme, parameters } = parseChallenge(challenge);
    if (scheme === 'bearer') return `Bearer ${await this.#token(parameters, credentials)}`;
    if (scheme !== 'basic') throw this.#failed(`asks for ${JSON.stringify(scheme)}, which we do not know`);
    const authorization = credentials === undefined ? undefined : `Basic ${basic(credentials)}`;
    if (authorization === undefined || authorization === refused) throw this.#denied(credentials);
    return authorization;
  }

  async #token(parameters: ReadonlyMap<string, string>, credentials: Credentials | undefined): Promise<string> {
    const realm = parameters.get('realm') ?? '';
    const url = URL.canParse(realm) ? new URL(realm) : undefined;
    // The password goes there.
    if (
      url === undefined ||
      (url.protocol !== 'https:' && !(url.protocol === 'http:' && this.#base.protocol === 'http:'))
    ) {
      throw this.#failed(`sends us for a token to ${JSON.stringify(realm.slice(0, 200))}, which is not https`);
    }
    const service = parameters.get('service');
    const query = new URLSearchParams(service === undefined ? {} : { service });
    const response = await send(
      ...(credentials?.identityToken === undefined
        ? this.#passwordGrant(url, query, credentials)
        : this.#refreshGrant(url, query, credentials.identityToken)),
    );
    const bytes = await readBody(response, ANSWER_MAX_BYTES);
    if (response.status === 401 || response.status === 403) throw this.#denied(credentials);
    if (response.status !== 200) throw this.#failed(`'s token server ${url.host} answered ${response.status}`);
    const answer = readObject(bytes, `The token of ${url.host}`);
    const token = answer['token'] ?? answer['access_token'];
    if (typeof token !== 'string' || /[\r\n]/.test(token))
      throw this.#failed(`'s token server ${url.host} gave no token`);
    return token;
  }

  #passwordGrant(url: URL, query: URLSearchParams, credentials: Credentials | undefined): [URL, HttpRequest] {
    for (const scope of this.#scopes) query.append('scope', scope);
    const address = new URL(url);
    for (const [name, value] of query) address.searchParams.append(name, value);
    const headers = credentials === undefined ? {} : { authorization: `Basic ${basic(credentials)}` };
    return [address, { headers, signal: this.signal }];
  }

  #refreshGrant(url: URL, query: URLSearchParams, identityToken: string): [URL, HttpRequest] {
    query.set('grant_type', 'refresh_token');
    query.set('client_id', 'ekiben');
    query.set('scope', this.#scopes.join(' '));
    query.set('refresh_token', identityToken);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return [url, { method: 'POST', headers, body: Buffer.from(query.toString()), signal: this.signal }];
  }

  async #refusal(response: HttpResponse): Promise<EkibenError> {
    const { status } = response;
    const said = await reason(response);
    if (status === 401 || status === 403) return this.#denied(await this.#credentials, said);
    return this.#failed(`answered ${status}${said === '' ? '' : `: ${said}`}`);
  }

  #denied(credentials: Credentials | undefined, said = ''): EkibenError {
    const who =
      credentials === undefined
        ? `nobody is logged in; \`docker login ${this.name}\` does that`
        : `it does not accept ${credentials.username === '' ? 'the token' : `the user ${JSON.stringify(credentials.username)}`} of ${credentials.source} for this`;
    return new EkibenError(
      'EKIBEN_REGISTRY_DENIED',
      `${this.name} refuses ${this.#scopes[0]?.endsWith('push') === true ? 'to take' : 'to give'} ${this.repository}: ${who}${said === '' ? '' : ` (${said})`}.`,
      { details: { registry: this.name, repository: this.repository } },
    );
  }

  #failed(why: string, cause?: unknown): EkibenError {
    const message = `${this.name}${why.startsWith("'") ? '' : ' '}${why} (${this.repository}).`;
    return new EkibenError('EKIBEN_REGISTRY_FAILED', message, {
      cause,
      details: { registry: this.name, repository: this.repository },
    });
  }

  #broken(error: unknown): Error {
    if (EkibenError.is(error) || this.signal?.aborted === true) return error as Error;
    const { code, message } = error as NodeJS.ErrnoException;
    const hint =
      isFinal(error) && code !== 'ENOTFOUND' ? '; NODE_EXTRA_CA_CERTS names the authority that signed it' : '';
    return this.#failed(`could not be reached: ${message || code}${hint}`, error);
  }
}

/** As Docker: what is on this machine needs no TLS. */
function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(host);
}

/** To try again would bring the same. */
function isFinal(error: unknown): boolean {
  return /^(?:ENOTFOUND|ERR_TLS_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(
    String((error as NodeJS.ErrnoException).code),
  );
}

function retryAfter({ headers }: HttpResponse): number {
  const seconds = Number(headers['retry-after']);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds * 1000, 0), RETRY_AFTER_MAX_MS) : 0;
}

function basic({ username, password }: Credentials): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

/** What the registry says of an error, in one line. */
async function reason(response: HttpResponse): Promise<string> {
  const text = Buffer.from(await readBody(response).catch(() => new Uint8Array())).toString('utf8');
  try {
    const { errors } = JSON.parse(text) as { readonly errors?: unknown };
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    if (isObject(first)) return oneLine(`${String(first['code'])} ${String(first['message'] ?? '')}`);
  } catch {
    // Not all answer in JSON.
  }
  return oneLine(text);
}

function oneLine(text: string): string {
  // It is shown on a terminal.
  return text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 200);
}

/** `Bearer realm="https://…",service="…"` (RFC 9110, 11.6.1). */
export function parseChallenge(header: string): {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
} {
  const [, scheme = '', rest = ''] = /^\s*([A-Za-z]+)\s*(.*)$/s.exec(header) ?? [];
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, plain] of rest.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)) {
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return { scheme: scheme.toLowerCase(), parameters };
}
