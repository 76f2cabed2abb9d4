/**
 * Nothing changed -> nothing done: a build whose inputs hash to what the last one recorded needs no spec parsed, no plan
 * made and no process started. The files of the output are still checked, byte by byte.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../device/manifest.js';
import { toolchainLockHash } from '../toolchain/lock-hash.js';
import { hashJson, sha256 } from '../util/hash.js';
import { generatorHash } from './generator-hash.js';
import { writeOutputFile } from './output.js';

const STAMP = '.inputs.json';

/** Hash of everything a build depends on: the texts it reads, its options, the generator and the toolchain. */
export async function inputsKey(files: readonly string[], options: unknown): Promise<string> {
  const texts = await Promise.all([...files].sort().map(async (file) => sha256(await readFile(file))));
  return hashJson({ texts, options, generator: generatorHash(), toolchain: toolchainLockHash() });
}

/** The manifest of `outDir` if it was made from these inputs and every file is as the manifest says. */
export async function upToDate(outDir: string, key: string): Promise<Manifest | undefined> {
  try {
    const stamped = await readStamped(outDir);
    if (stamped?.inputs !== key) return undefined;
    const manifest = JSON.parse(stamped.manifest) as Manifest;
    const files = manifest.variants.flatMap((variant) => Object.values(variant.files));
    const intact = await Promise.all(
      files.map(async (file) => sha256(await readFile(join(outDir, file.path))) === file.sha256),
    );
    return intact.every(Boolean) ? manifest : undefined;
  } catch {
    // A missing or damaged stamp, manifest or file only means that there is something to build.
    return undefined;
  }
}

/** Rewrites the manifest of `outDir` with `write`; a stamp that was true of the old one stays true. */
export async function restamp(outDir: string, write: () => Promise<void>): Promise<void> {
  const inputs = await stampedInputs(outDir);
  await write();
  if (inputs !== undefined) await stampInputs(outDir, inputs);
}

async function stampedInputs(outDir: string): Promise<string | undefined> {
  try {
    return (await readStamped(outDir))?.inputs;
  } catch {
    // No stamp, or a damaged one: there is nothing to keep true.
    return undefined;
  }
}

/** What `outDir` was made from and the text of its manifest; undefined where the stamp speaks of another manifest. */
async function readStamped(
  outDir: string,
): Promise<{ readonly inputs: string | undefined; readonly manifest: string } | undefined> {
  const stamp = JSON.parse(await readFile(join(outDir, STAMP), 'utf8')) as {
    inputs?: string;
    manifest?: string;
  };
  const manifest = await readFile(join(outDir, 'manifest.json'), 'utf8');
  return stamp.manifest === sha256(manifest) ? { inputs: stamp.inputs, manifest } : undefined;
}

/** Records that `outDir` was made from these inputs. */
export async function stampInputs(outDir: string, key: string): Promise<void> {
  const manifest = sha256(await readFile(join(outDir, 'manifest.json')));
  await writeOutputFile(join(outDir, STAMP), `${JSON.stringify({ inputs: key, manifest })}\n`);
}
