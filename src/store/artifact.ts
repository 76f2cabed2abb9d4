/** What a store keeps, and the form it keeps it in. */

import { canonicalJson, sha256, type Json } from '../util/hash.js';
import { RoseError } from '../util/errors.js';

/** What one build step made: named files, and a small report on them (resources, parameters) as JSON. */
export interface Artifact {
  /** By name: `ptx`, `cubin`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly info: Json;
}

/** The action entry of a key: which blobs its files are. A few hundred bytes, read without reading the blobs. */
export interface ArtifactEntry {
  readonly key: string;
  readonly files: Readonly<Record<string, BlobReference>>;
  readonly info: Json;
}

export interface BlobReference {
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * A content-addressed store. An action key (64 hex digits) leads to an entry, an entry to blobs by their hash. Bytes
 * handed out have been checked against their hash; a damaged entry is removed and reported as a miss.
 */
export interface ArtifactStore {
  /** The entry of a key, if all of its blobs are there in the right size. Cheap: the blobs are not read. */
  lookup(key: string): Promise<ArtifactEntry | undefined>;
  /** The artifact of a key, every byte checked. */
  get(key: string): Promise<Artifact | undefined>;
  put(key: string, artifact: Artifact): Promise<ArtifactEntry>;
}

/** Version of the entry's form; an entry of another version is a miss. */
const ENTRY_SCHEMA = 1;

const HASH = /^[0-9a-f]{64}$/;

export function makeEntry(key: string, artifact: Artifact): ArtifactEntry {
  const files = Object.fromEntries(
    Object.entries(artifact.files).map(([name, data]) => [
      name,
      { sha256: sha256(data), bytes: data.length },
    ]),
  );
  return { key, files, info: artifact.info };
}

/** Text of an entry, with a checksum over the rest: a changed byte anywhere is noticed. */
export function serializeEntry(entry: ArtifactEntry): string {
  const body = { schema: ENTRY_SCHEMA, ...entry };
  return `${canonicalJson({ ...body, check: sha256(canonicalJson(body)) })}\n`;
}

/** The entry in a text, or undefined if it is damaged, of another version or of another key. */
export function parseEntry(key: string, text: string): ArtifactEntry | undefined {
  let value: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    value = parsed as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { check, ...body } = value;
  const { schema, files, info } = body;
  const sound = schema === ENTRY_SCHEMA && body['key'] === key && check === sha256(canonicalJson(body));
  return sound && areReferences(files) ? { key, files, info: info as Json } : undefined;
}

/** The checksum finds damage, not malice: a remote store may send anything. */
function areReferences(files: unknown): files is ArtifactEntry['files'] {
  if (typeof files !== 'object' || files === null) return false;
  return Object.values(files as Record<string, unknown>).every((file) => {
    const { sha256: hash, bytes } = (file ?? {}) as Partial<Record<keyof BlobReference, unknown>>;
    return typeof hash === 'string' && HASH.test(hash) && Number.isSafeInteger(bytes);
  });
}

/** Whether these are the bytes that a reference names. */
export function matches(reference: BlobReference, data: Uint8Array): boolean {
  return data.length === reference.bytes && sha256(data) === reference.sha256;
}

/** Refuses what is no SHA-256 in hex: a key becomes part of a path. */
export function requireKey(key: string): void {
  if (HASH.test(key)) return;
  throw new RoseError({
    code: 'STORE_IO',
    message: 'a store key is a SHA-256 in hex',
    actual: key.slice(0, 80),
    expected: '64 hex digits',
    next: 'this is a defect of rose-gen: please report it',
  });
}
