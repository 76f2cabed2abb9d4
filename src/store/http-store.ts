/**
 * The store behind a URL: GET and PUT of /ac/KEY and /cas/SHA, as bazel-remote and its kind speak.
 *
 * Nothing a server sends is believed: entries carry their checksum, blobs are hashed. Entries are our own JSON, so a
 * server that wants to understand them has to be told not to (bazel-remote: `--disable_http_ac_validation`).
 */

import { RoseError } from '../util/errors.js';
import { errorMessage } from '../util/system-error.js';
import {
  makeEntry,
  matches,
  parseEntry,
  requireKey,
  serializeEntry,
  type Artifact,
  type ArtifactEntry,
  type ArtifactStore,
} from './artifact.js';

export interface HttpStoreOptions {
  /** Bearer token for the server. */
  readonly token?: string | undefined;
  /** Longest that one request may take, in milliseconds; default 30 s. */
  readonly timeoutMs?: number;
  /** Largest answer that is read, in bytes; default 256 MiB. */
  readonly maxBytes?: number;
}

export class HttpStore implements ArtifactStore {
  private readonly base: URL;
  private readonly headers: Record<string, string> = {};

  /** `url` may hold a user and password; they become an Authorization header. Raises USAGE for no http(s) URL. */
  constructor(
    url: string,
    private readonly options: HttpStoreOptions = {},
  ) {
    const full = url.endsWith('/') ? url : `${url}/`;
    const parsed = URL.canParse(full) ? new URL(full) : undefined;
    if (!parsed || !/^https?:$/.test(parsed.protocol)) {
      throw new RoseError({
        code: 'USAGE',
        message: 'the URL of the remote store is not one',
        actual: url,
        expected: 'http://HOST/PATH or https://HOST/PATH',
        next: 'correct ROSE_GEN_STORE_URL, or unset it',
      });
    }
    if (parsed.username !== '') {
      const user = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
      this.headers['authorization'] = `Basic ${Buffer.from(user).toString('base64')}`;
      parsed.username = parsed.password = '';
    }
    if (options.token !== undefined) this.headers['authorization'] = `Bearer ${options.token}`;
    this.base = parsed;
  }

  /** For a server, an entry: whether its blobs are still there shows when they are fetched. */
  async lookup(key: string): Promise<ArtifactEntry | undefined> {
    requireKey(key);
    const data = await this.fetchBytes(`ac/${key}`);
    return data && parseEntry(key, Buffer.from(data).toString('utf8'));
  }

  async get(key: string): Promise<Artifact | undefined> {
    const entry = await this.lookup(key);
    if (!entry) return undefined;
    const files: Record<string, Uint8Array> = {};
    for (const [name, reference] of Object.entries(entry.files)) {
      const data = await this.fetchBytes(`cas/${reference.sha256}`);
      if (!data || !matches(reference, data)) return undefined;
      files[name] = data;
    }
    return { files, info: entry.info };
  }

  async put(key: string, artifact: Artifact): Promise<ArtifactEntry> {
    requireKey(key);
    const entry = makeEntry(key, artifact);
    for (const [name, data] of Object.entries(artifact.files))
      await this.send(`cas/${entry.files[name]!.sha256}`, data);
    await this.send(`ac/${key}`, Buffer.from(serializeEntry(entry)));
    return entry;
  }

  /** Body of a GET, or undefined for 404. */
  private async fetchBytes(path: string): Promise<Uint8Array | undefined> {
    const maxBytes = this.options.maxBytes ?? 256 * 2 ** 20;
    return this.request('GET', path, undefined, async (response) => {
      if (response.status === 404) return undefined;
      requireOk(response);
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of response.body ?? []) {
        chunks.push(chunk as Uint8Array);
        size += (chunk as Uint8Array).length;
        if (size > maxBytes) throw new Error(`an answer of more than ${maxBytes} bytes`);
      }
      return Buffer.concat(chunks, size);
    });
  }

  private async send(path: string, body: Uint8Array): Promise<void> {
    await this.request('PUT', path, body, async (response) => {
      requireOk(response);
      await response.body?.cancel();
      return undefined;
    });
  }

  private async request<T>(
    method: 'GET' | 'PUT',
    path: string,
    body: Uint8Array | undefined,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const url = new URL(path, this.base);
    try {
      const response = await fetch(url, {
        method,
        headers: this.headers,
        signal: AbortSignal.timeout(this.options.timeoutMs ?? 30_000),
        ...(body && { body: Buffer.from(body) }),
      });
      return await read(response);
    } catch (error) {
      throw new RoseError({
        code: 'STORE_IO',
        message: `the remote store failed: ${method} ${url.href}`,
        actual: reason(error),
        next: 'check ROSE_GEN_STORE_URL and the server, or unset it to work without',
        cause: error,
      });
    }
  }
}

function requireOk(response: Response): void {
  if (!response.ok) throw new Error(`HTTP status ${response.status} ${response.statusText}`.trim());
}

/** `fetch failed` says nothing; its cause does. */
function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message !== '' ? cause.message : errorMessage(error);
}
