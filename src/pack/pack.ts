/** A build folder -> one bundle: all that a GPU host needs to launch its kernels, as the bytes of a .tar.gz. */

import { existsSync, readFileSync } from 'node:fs';
import { writeOutputFile } from '../build/output.js';
import { RoseError } from '../util/errors.js';
import { sha256 } from '../util/hash.js';
import { packagePath } from '../util/package-root.js';
import { isBundle, writeArchive, type ArchiveFile } from './archive.js';
import { BUNDLE_FILE, BUNDLE_SCHEMA, type BundleRecord, type Platform } from './bundle.js';
import { kernelFiles, type KernelSelection } from './kernel-files.js';
import { koffiFiles } from './koffi-files.js';
import { nodeFiles } from './node-file.js';
import { runtimeFiles } from './runtime-files.js';
import { DOCTOR_TEXT, INDEX_TEXT, packageText, readmeText, type BundleHeading } from './texts.js';

export interface PackOptions extends KernelSelection {
  /** What a build wrote. */
  readonly folder: string;
  /** The archive's one folder. */
  readonly name: string;
  readonly platform: Platform;
  /** Also PTX, which the simulator reads. */
  readonly ptx?: boolean;
  /** Also the simulator, and with it PTX. */
  readonly simulator?: boolean;
  /** Also this Node: the path of its program, or `current` for the one that runs this. */
  readonly node?: string;
  /** Folder of the package's compiled code; default: the one that runs. */
  readonly code?: string;
  /** Folder of the koffi to take; default: the one installed. */
  readonly koffi?: string;
  readonly onPart?: (part: BundlePart) => void;
}

/** What a part takes before compression, in bytes. */
export interface BundlePart {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
}

export interface Bundle {
  readonly record: BundleRecord;
  readonly parts: readonly BundlePart[];
  /** The .tar.gz. */
  readonly archive: Uint8Array;
}

/** Raises MANIFEST_INVALID, LIBRARY_DAMAGED, VARIANT_UNKNOWN, TARGET_UNKNOWN, PACK_PART. */
export async function packBundle(options: PackOptions): Promise<Bundle> {
  const { platform, simulator = false } = options;
  const ptx = simulator || (options.ptx ?? false);
  const parts: BundlePart[] = [];
  const files: ArchiveFile[] = [];
  const add = (name: string, more: readonly ArchiveFile[]): void => {
    const part = { name, files: more.length, bytes: more.reduce((sum, { bytes }) => sum + bytes.length, 0) };
    parts.push(part);
    files.push(...more);
    options.onPart?.(part);
  };
  const { manifest, files: kernels } = await kernelFiles(options.folder, options, ptx);
  add('kernels', kernels);
  add(
    'runtime',
    await runtimeFiles({ simulator, ...(options.code !== undefined && { code: options.code }) }),
  );
  add('koffi', await koffiFiles(platform, options.koffi));
  const node = options.node === undefined ? [] : nodeFiles(options.node, platform);
  if (node.length > 0) add('node', node);
  const { name, version, engines } = ownPackage();
  const heading: BundleHeading = {
    schema: BUNDLE_SCHEMA,
    generator: { name, version },
    platform,
    node: { minimum: engines.node.replace(/^\D+/, ''), ...(node[0] && { included: node[0].path }) },
    archs: manifest.archs,
    minimumDriver: manifest.toolchain.minimumDriver,
    variants: manifest.variants.length,
    ptx,
    simulator,
  };
  files.push(...texts(heading));
  const record: BundleRecord = {
    ...heading,
    files: files
      .map(({ path, bytes }) => ({ path, sha256: sha256(bytes), bytes: bytes.length }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
  const archive = await writeArchive(options.name, [
    ...files,
    textFile(BUNDLE_FILE, `${JSON.stringify(record, undefined, 1)}\n`),
  ]);
  return { record, parts, archive };
}

/** Writes it whole or not at all. Raises OUTPUT_IO, and where `path` is there already and is no bundle. */
export async function writeBundle(path: string, { archive }: Bundle): Promise<void> {
  await assertReplaceable(path);
  await writeOutputFile(path, archive);
}

/** Raises OUTPUT_IO where something else than a bundle would be overwritten. */
export async function assertReplaceable(path: string): Promise<void> {
  if (!existsSync(path) || (await isBundle(path))) return;
  throw new RoseError({
    code: 'OUTPUT_IO',
    message: `${path} exists and is no bundle`,
    actual: 'another file or a folder',
    expected: 'a path that is free, or a bundle to replace',
    next: 'name another file with --out, or remove this one',
  });
}

function texts(heading: BundleHeading): readonly ArchiveFile[] {
  return [
    textFile('package.json', packageText(heading)),
    textFile('index.js', INDEX_TEXT),
    textFile('doctor.mjs', DOCTOR_TEXT),
    textFile('README.txt', readmeText(heading)),
    { path: 'LICENSE', bytes: readFileSync(packagePath('LICENSE')) },
  ];
}

function textFile(path: string, text: string): ArchiveFile {
  return { path, bytes: Buffer.from(text) };
}

interface OwnPackage {
  readonly name: string;
  readonly version: string;
  readonly engines: { readonly node: string };
}

function ownPackage(): OwnPackage {
  return JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as OwnPackage;
}
