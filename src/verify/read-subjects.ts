/**
 * A folder that a build wrote -> its variants with their formulas and PTX.
 *
 * Manifest and PTX are checked against each other, and formulas are bound again from the specs.
 */

import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MANIFEST_FILE, readManifest, type VariantEntry } from '../device/index.js';
import { bindKernel, loadSpec, type BoundKernel, type KernelSpec } from '../spec/index.js';
import { throwIfCancelled } from '../util/cancel.js';
import { closest, RoseError } from '../util/errors.js';
import { sha256 } from '../util/hash.js';
import { packagePath } from '../util/package-root.js';
import { errorCode, errorMessage } from '../util/system-error.js';
import type { Subject } from './types.js';

export interface SubjectSource {
  /** Folder that a build wrote. */
  readonly dir: string;
  /** Specs beside those of the library, or in their place, by kernel. */
  readonly specs?: ReadonlyMap<string, KernelSpec>;
  /** Which variants; default all. */
  readonly select?: (variant: VariantEntry) => boolean;
}

/**
 * Every chosen variant with its formula and its PTX.
 * @throws MANIFEST_INVALID where manifest, PTX and specs do not belong together; VARIANT_UNKNOWN where a kernel has no
 *   spec or nothing is selected; CANCELLED
 */
export async function readSubjects(source: SubjectSource, signal?: AbortSignal): Promise<readonly Subject[]> {
  const path = join(source.dir, MANIFEST_FILE);
  const manifest = await readManifest(path);
  throwIfCancelled(signal, 'verifying');
  const chosen = manifest.variants.filter(source.select ?? (() => true));
  if (chosen.length === 0) {
    throw new RoseError({
      code: 'VARIANT_UNKNOWN',
      message: 'there is nothing to verify',
      place: { file: path },
      actual: `none of ${manifest.variants.length} variants is selected`,
      next: 'select others, or build them first',
    });
  }
  const specs = await specsOf(new Set(chosen.map(({ kernel }) => kernel)), source.specs);
  return Promise.all(
    chosen.map(async (variant) => ({
      variant,
      bound: bindAgain(variant, specs, path),
      ptx: await readPtx(source.dir, variant, path),
    })),
  );
}

/** Only the specs that are needed: parsing the whole library takes longer than looking up the verdicts of a model. */
async function specsOf(
  kernels: ReadonlySet<string>,
  own: ReadonlyMap<string, KernelSpec> = new Map(),
): Promise<ReadonlyMap<string, KernelSpec>> {
  if ([...kernels].every((kernel) => own.has(kernel))) return own;
  const folder = packagePath('specs');
  const files = (await readdir(folder)).filter((file) => kernels.has(basename(file, '.yaml')));
  const library = await Promise.all(files.map((file) => loadSpec(join(folder, file))));
  return new Map([...library.map((spec) => [spec.name, spec] as const), ...own]);
}

function bindAgain(variant: VariantEntry, specs: ReadonlyMap<string, KernelSpec>, path: string): BoundKernel {
  const spec = specs.get(variant.kernel);
  if (!spec) {
    const near = closest(variant.kernel, specs.keys());
    throw new RoseError({
      code: 'VARIANT_UNKNOWN',
      message: `no spec says what ${variant.kernel} computes`,
      place: { file: path },
      actual: variant.id,
      next: `name the spec that it was built from with --spec${near === undefined ? '' : `; there is one of ${near}`}`,
    });
  }
  const dims: Record<string, number> = {};
  for (const { kind, name } of spec.dims) {
    const extent = variant.dims[name];
    if (kind === 'static' && typeof extent === 'number') dims[name] = extent;
  }
  const flags = Object.fromEntries(spec.flags.map(({ name }) => [name, variant.flags[name] === true]));
  let bound: BoundKernel;
  try {
    bound = bindKernel(spec, { dims, types: variant.types as BoundKernel['binding']['types'], flags });
  } catch (error) {
    throw otherSpec(variant, path, errorMessage(error), error);
  }
  const declared = signatureOf(bound.tensors);
  const built = signatureOf(variant.tensors);
  if (declared !== built) throw otherSpec(variant, path, built, undefined, declared);
  return bound;
}

const signatureOf = (
  tensors: readonly { readonly name: string; readonly dtype: string; readonly access: string }[],
): string => tensors.map(({ name, dtype, access }) => `${access} ${name} ${dtype}`).join(', ');

function otherSpec(
  variant: VariantEntry,
  path: string,
  actual: string,
  cause: unknown,
  expected?: string,
): RoseError {
  return new RoseError({
    code: 'MANIFEST_INVALID',
    message: `${variant.id} was built from another spec than ${variant.kernel} is now`,
    place: { file: path },
    actual,
    ...(expected !== undefined && { expected }),
    next: 'build it again with `rose-gen build`',
    cause,
  });
}

async function readPtx(dir: string, variant: VariantEntry, manifest: string): Promise<string> {
  const { path, sha256: expected } = variant.files.ptx;
  const invalid = (message: string, actual: string, cause?: unknown): RoseError =>
    new RoseError({
      code: 'MANIFEST_INVALID',
      message: `${variant.id}: ${message}`,
      place: { file: manifest },
      actual,
      expected: `${path} with SHA-256 ${expected}`,
      next: 'build it again with `rose-gen build`',
      cause,
    });
  let data: Buffer;
  try {
    data = await readFile(join(dir, path));
  } catch (error) {
    throw invalid(
      'its PTX cannot be read',
      errorCode(error) === 'ENOENT' ? 'no such file' : errorMessage(error),
      error,
    );
  }
  const hash = sha256(data);
  if (hash !== expected) throw invalid('the manifest does not match the PTX', `SHA-256 ${hash}`);
  return data.toString('utf8');
}
