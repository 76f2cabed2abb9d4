/**
 * Verdicts in the store: an unchanged variant is not run again.
 *
 * The key holds all that a verdict follows from: formula and binding, what the manifest says of the launch, the PTX, the
 * options, and the files of the simulator and the verifier themselves. A generator that was edited and still gives the
 * same PTX keeps its verdicts.
 */

import { fileURLToPath } from 'node:url';
import { canonicalSpec } from '../spec/index.js';
import type { ArtifactStore } from '../store/index.js';
import { hashJson, sha256, type Json } from '../util/hash.js';
import { hashFolders } from '../util/hash-files.js';
import type { Subject, Verdict } from './types.js';
import type { VerifyOptions } from './verify-variant.js';

/** Folders whose code decides what a verdict says. */
const VERIFIER_FOLDERS = ['device', 'sim', 'spec', 'util', 'verify'];

let verifier: string | undefined;

/** Hash of the code that runs and judges kernels. */
export function verifierHash(): string {
  verifier ??= hashFolders(
    VERIFIER_FOLDERS.map((folder) => fileURLToPath(new URL(`../${folder}`, import.meta.url))),
  );
  return verifier;
}

export type RecordedOptions = Pick<VerifyOptions, 'checks' | 'limits'>;

export function verdictKey({ bound, variant, ptx }: Subject, options: RecordedOptions = {}): string {
  const { id, kernel, arch, phase, dims, tensors, params, entry, launch, guards } = variant;
  return hashJson({
    kind: 'verdict',
    spec: canonicalSpec(bound.spec),
    binding: bound.binding,
    launched: { id, kernel, arch, phase, dims, tensors, params, entry, launch, guards },
    ptx: sha256(ptx),
    options: { checks: options.checks, limits: options.limits },
    verifier: verifierHash(),
  });
}

export async function recordedVerdict(store: ArtifactStore, key: string): Promise<Verdict | undefined> {
  const artifact = await store.get(key);
  return artifact && fromJson(artifact.info);
}

export async function recordVerdict(store: ArtifactStore, key: string, verdict: Verdict): Promise<void> {
  await store.put(key, { files: {}, info: toJson(verdict) });
}

/** Numbers that JSON lacks are kept as their names; they stand in these fields alone. */
const NUMBERS = new Set(['actual', 'expected', 'ulp']);

function toJson(verdict: Verdict): Json {
  const text = JSON.stringify(verdict, (_key, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
  return JSON.parse(text) as Json;
}

function fromJson(info: Json): Verdict {
  return JSON.parse(JSON.stringify(info), (key, value: unknown) =>
    NUMBERS.has(key) && typeof value === 'string' ? Number(value) : value,
  ) as Verdict;
}
