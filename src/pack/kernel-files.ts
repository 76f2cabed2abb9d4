/** A build folder and a choice of its variants -> manifest, code and bindings of these alone, checked against their hashes. */

import { join } from 'node:path';
import { architecture, minimumDriverFor, readManifest, serializeManifest } from '../device/index.js';
import { MANIFEST_FILE, type Manifest, type VariantEntry } from '../device/manifest.js';
import { renderBindings } from '../emit/bindings.js';
import { readImage } from '../runtime/library/code-files.js';
import { closest, RoseError } from '../util/errors.js';
import type { ArchiveFile } from './archive.js';
import { LAYOUT } from './bundle.js';

/** Which variants; what is absent chooses all. */
export interface KernelSelection {
  readonly archs?: readonly string[];
  readonly kernels?: readonly string[];
  readonly phases?: readonly string[];
}

export interface PackedKernels {
  /** Of the chosen variants. */
  readonly manifest: Manifest;
  readonly files: readonly ArchiveFile[];
}

/** Raises MANIFEST_INVALID, LIBRARY_DAMAGED, VARIANT_UNKNOWN, TARGET_UNKNOWN. */
export async function kernelFiles(
  folder: string,
  selection: KernelSelection,
  ptx: boolean,
): Promise<PackedKernels> {
  const manifest = select(await readManifest(join(folder, MANIFEST_FILE)), selection, folder);
  const code = manifest.variants.flatMap((variant) => codeFiles(folder, variant, ptx));
  const text = (path: string, content: string): ArchiveFile => ({ path, bytes: Buffer.from(content) });
  const files = [
    text(MANIFEST_FILE, serializeManifest(manifest)),
    text('bindings.js', await bindingsScript(manifest)),
    ...code,
  ];
  // Two variants of equal code may name one file.
  const unique = new Map(files.map((file) => [file.path, file]));
  return {
    manifest,
    files: [...unique.values()].map((file) => ({ ...file, path: `${LAYOUT.kernels}/${file.path}` })),
  };
}

function select(manifest: Manifest, selection: KernelSelection, folder: string): Manifest {
  const archs = selection.archs?.map((name) => architecture(name).name);
  const { kernels, phases } = selection;
  assertThere('architecture', archs, manifest.archs, folder);
  assertThere('kernel', kernels, namesOf(manifest, 'kernel'), folder);
  assertThere('phase', phases, namesOf(manifest, 'phase'), folder);
  const variants = manifest.variants.filter(
    ({ arch, kernel, phase }) =>
      (archs?.includes(arch) ?? true) &&
      (kernels?.includes(kernel) ?? true) &&
      (phases?.includes(phase) ?? true),
  );
  if (variants.length === 0) {
    throw new RoseError({
      code: 'VARIANT_UNKNOWN',
      message: `nothing of ${folder} is to be packed`,
      actual: `none of its ${manifest.variants.length} variants is chosen`,
      expected: 'at least one',
      next: 'choose less narrowly, or build what is missing',
    });
  }
  const chosen = [...new Set(variants.map(({ arch }) => arch))].sort();
  const minimumDriver = minimumDriverFor(chosen.map(architecture));
  return { ...manifest, archs: chosen, variants, toolchain: { ...manifest.toolchain, minimumDriver } };
}

function namesOf({ variants }: Manifest, field: 'kernel' | 'phase'): readonly string[] {
  return [...new Set(variants.map((variant) => variant[field]))].sort();
}

function assertThere(
  what: string,
  asked: readonly string[] | undefined,
  present: readonly string[],
  folder: string,
): void {
  const missing = asked?.find((name) => !present.includes(name));
  if (missing === undefined) return;
  const near = closest(missing, present);
  throw new RoseError({
    code: 'VARIANT_UNKNOWN',
    message: `the build ${folder} has nothing for the ${what} ${missing}`,
    actual: missing,
    expected: present.join(', ') || 'a build with variants',
    next:
      near !== undefined && what !== 'architecture'
        ? `did you mean ${near}?`
        : 'choose one of these, or run `rose-gen build` for it first',
  });
}

function codeFiles(folder: string, variant: VariantEntry, ptx: boolean): readonly ArchiveFile[] {
  const image = (code: 'cubin' | 'ptx'): ArchiveFile => {
    const { cubin, ptx: text = '' } = readImage(folder, variant, code);
    return { path: variant.files[code].path, bytes: cubin ?? Buffer.from(text) };
  };
  return ptx ? [image('cubin'), image('ptx')] : [image('cubin')];
}

/** The bindings as JavaScript: a host has no TypeScript. */
async function bindingsScript(manifest: Manifest): Promise<string> {
  const { ts } = await import('ts-morph');
  const { outputText } = ts.transpileModule(await renderBindings(manifest), {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      newLine: ts.NewLineKind.LineFeed,
    },
  });
  return outputText;
}
