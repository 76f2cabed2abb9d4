/**
 * Files in memory -> the bytes of a .tar.gz, and whether a file is such an archive.
 *
 * Names, order, modes, owners and times are fixed, so equal files give an equal archive. Compression is the running
 * Node's zlib: another release of Node may compress the same archive to other bytes.
 */

import { BUNDLE_FILE } from './bundle.js';

export interface ArchiveFile {
  /** Relative to the archive's top folder, with forward slashes. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly executable?: boolean;
}

const TIME = new Date('2000-01-01T00:00:00Z');

/** The archive's one folder is `folder`; its files are sorted by path, but for the record, which comes first. */
export async function writeArchive(folder: string, files: readonly ArchiveFile[]): Promise<Uint8Array> {
  const { Header, Pack, ReadEntry } = await import('tar');
  const pack = new Pack({ gzip: { level: 9 }, portable: true });
  for (const { path, bytes, executable } of [...files].sort(byPlace)) {
    const header = new Header({
      path: `${folder}/${path}`,
      type: 'File',
      mode: executable ? 0o755 : 0o644,
      size: bytes.length,
      mtime: TIME,
    });
    const entry = new ReadEntry(header);
    entry.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    pack.add(entry);
  }
  pack.end();
  return pack.concat();
}

function byPlace(a: ArchiveFile, b: ArchiveFile): number {
  if (a.path === BUNDLE_FILE) return -1;
  if (b.path === BUNDLE_FILE) return 1;
  return a.path < b.path ? -1 : 1;
}

/** Whether a file is a bundle: an archive whose first file is the record. */
export async function isBundle(file: string): Promise<boolean> {
  const { list } = await import('tar');
  const names: string[] = [];
  try {
    await list({ file, strict: true, onReadEntry: ({ path }) => names.push(path) });
  } catch {
    return false; // What is no archive is no bundle.
  }
  return names[0]?.endsWith(`/${BUNDLE_FILE}`) ?? false;
}
