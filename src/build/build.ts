/**
 * Planned variants -> a folder with manifest, modules, PTX, cubins and bindings.
 *
 * Each variant is rendered, looked up in the store by the hash of its module, and compiled where the store lacks it. The
 * folder is written last and its manifest at the very end, so that a killed build leaves the old one whole.
 */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { architecture, minimumDriverFor, type Manifest, type VariantEntry } from '../device/index.js';
import { renderBindings } from '../emit/bindings.js';
import { getOrBuild, openStore, recordCosts, writeManifest, type Artifact } from '../store/index.js';
import {
  CompilePool,
  CUDA_FLAVOUR,
  CUTLASS_DSL_VERSION,
  ensureToolchain,
  toolchainLockHash,
  type Toolchain,
} from '../toolchain/index.js';
import type { PlannedVariant } from '../plan/index.js';
import { RoseError } from '../util/errors.js';
import { isRejection } from './rejection.js';
import { generatorHash } from './generator-hash.js';
import { artifactKey } from './keys.js';
import { manifestEntry, type VariantFiles } from './manifest-entry.js';
import { removeStale, writeOutputFile, writeVariant } from './output.js';
import { renderVariant, type RenderedVariant } from './render.js';
import { atSpecPlace } from './spec-place.js';
import type { BuildRequest, BuildResult, Rejection } from './types.js';
import { GENERATOR_VERSION } from './version.js';

export interface Builder extends AsyncDisposable {
  build(request: BuildRequest): Promise<BuildResult>;
}

/** A builder keeps its compile workers between builds; dispose it at the end. */
export function openBuilder(
  options: { readonly jobs?: number; readonly storeDir?: string; readonly remoteStore?: string } = {},
): Builder {
  let pool: CompilePool | undefined;
  let toolchain: Toolchain | undefined;
  return {
    async build(request) {
      const start = performance.now();
      const store = await openStore(options.storeDir, {
        ...(options.remoteStore !== undefined && { remote: options.remoteStore }),
        onNotice: (notice) => request.onEvent?.({ kind: 'notice', message: notice.message }),
      });
      const compiler = async (): Promise<CompilePool> => {
        toolchain ??= await ensureToolchain({
          ...(request.signal && { signal: request.signal }),
          onProgress: (progress) => request.onEvent?.({ kind: 'toolchain', message: progress.message }),
        });
        pool ??= new CompilePool({
          python: toolchain.python,
          workers: options.jobs ?? availableParallelism(),
        });
        return pool;
      };
      const { rendered, rejected } = renderAll(request);
      const costs = new Map<string, number>();
      let done = 0;
      let compiled = 0;
      const compileOne = async (
        variant: RenderedVariant,
      ): Promise<{ entry: VariantEntry; files: VariantFiles; built: boolean }> => {
        const { id, arch } = variant.variant;
        const key = artifactKey(variant.module.text, id, arch, toolchainLockHash());
        const compile = async (): Promise<Artifact> => {
          const job = { name: id, source: variant.module.text, arch: architecture(arch).target };
          const output = await (await compiler()).compile(job, request.signal);
          costs.set(id, (costs.get(id) ?? 0) + output.seconds);
          return { files: { ptx: Buffer.from(output.ptx), cubin: output.cubin }, info: null };
        };
        try {
          const signal = request.signal ? { signal: request.signal } : {};
          const { artifact, built } = await getOrBuild(store, key, compile, signal);
          const files: VariantFiles = {
            module: variant.module.text,
            ptx: artifact.files['ptx']!,
            cubin: artifact.files['cubin']!,
          };
          return { entry: manifestEntry(variant, files, key), files, built };
        } catch (error) {
          const narrower = isSpill(error) ? narrowerVariant(variant) : undefined;
          if (!narrower) throw atSpecPlace(error, variant);
          request.onEvent?.({
            kind: 'notice',
            message: `${id} spills registers: compiled again with narrower vectors`,
          });
          return await compileOne(renderVariant(narrower, request.specs.get(narrower.kernel)!));
        }
      };
      const spilling: Rejection[] = [];
      const compiledOrNot = rendered.map(async (variant) => {
        const began = performance.now();
        const one = await compileOne(variant).catch((error: unknown) => {
          if (!request.rejectSpills || !isSpill(error)) throw error;
          spilling.push({ id: variant.variant.id, error: error });
          return undefined;
        });
        if (!one) return [];
        const { entry, files, built } = one;
        done++;
        if (built) compiled++;
        request.onEvent?.({
          kind: 'variant',
          id: entry.id,
          from: built ? 'compiled' : 'store',
          seconds: (performance.now() - began) / 1000,
          done,
          total: rendered.length,
        });
        return [{ entry, files }];
      });
      const outputs = (await Promise.all(compiledOrNot)).flat();
      const manifest = makeManifest(outputs.map(({ entry }) => entry));
      // Only now: an interrupted build leaves the old output whole.
      for (const { entry, files } of outputs) await writeVariant(request.outDir, entry, files);
      await writeOutputFile(join(request.outDir, 'bindings.ts'), await renderBindings(manifest));
      await writeManifest(join(request.outDir, 'manifest.json'), manifest);
      await removeStale(request.outDir, manifest);
      if (costs.size > 0) await recordCosts(join(request.outDir, 'costs.json'), costs);
      return {
        outDir: request.outDir,
        manifest,
        compiled,
        fromStore: outputs.length - compiled,
        rejected: [...rejected, ...spilling],
        seconds: (performance.now() - start) / 1000,
      };
    },
    async [Symbol.asyncDispose]() {
      await pool?.[Symbol.asyncDispose]();
    },
  };
}

export async function build(request: BuildRequest): Promise<BuildResult> {
  await using builder = openBuilder({
    ...(request.jobs !== undefined && { jobs: request.jobs }),
    ...(request.storeDir !== undefined && { storeDir: request.storeDir }),
    ...(request.remoteStore !== undefined && { remoteStore: request.remoteStore }),
  });
  return await builder.build(request);
}

const isSpill = (error: unknown): error is RoseError =>
  error instanceof RoseError && error.code === 'COMPILE_SPILLS';

/**
 * ptxas may rather spill a register than give up a resident CTA: then half as wide vectors leave it room. Undefined where
 * the variant asks for a schedule, or its vectors cannot be narrower.
 */
function narrowerVariant({ variant, kernel }: RenderedVariant): PlannedVariant | undefined {
  const { vector: asked, ...others } = variant.schedule ?? {};
  const widest = Math.max(...kernel.sections.map((section) => section.schedule!.vector));
  const own = Object.keys(others).length > 0 || (asked !== undefined && asked !== widest);
  return own || widest === 1 ? undefined : { ...variant, schedule: { vector: widest / 2 } };
}

/** The same with the compiler's own schedule, where the schedule came from a tuning file. */
function withoutTuning({ tunedOn, schedule: _schedule, ...own }: PlannedVariant): PlannedVariant | undefined {
  return tunedOn === undefined ? undefined : own;
}

function renderAll(request: BuildRequest): {
  rendered: readonly RenderedVariant[];
  rejected: readonly Rejection[];
} {
  const rendered: RenderedVariant[] = [];
  const rejected: Rejection[] = [];
  const rest = [...request.variants];
  for (let variant = rest.shift(); variant; variant = rest.shift()) {
    try {
      rendered.push(renderVariant(variant, request.specs.get(variant.kernel)!));
    } catch (error) {
      if (!isRejection(error)) throw error;
      const own = withoutTuning(variant);
      if (own) {
        request.onEvent?.({
          kind: 'notice',
          message: `${variant.id}: the schedule that was measured on ${variant.tunedOn} does not fit any more`,
        });
        rest.push(own);
      } else rejected.push({ id: variant.id, error });
    }
  }
  return { rendered, rejected };
}

function makeManifest(entries: readonly VariantEntry[]): Manifest {
  const archs = [...new Set(entries.map((entry) => entry.arch))].sort();
  return {
    schema: 1,
    generator: { name: 'rose-gen', version: GENERATOR_VERSION, hash: generatorHash() },
    toolchain: {
      cutlassDsl: CUTLASS_DSL_VERSION,
      cudaFlavour: CUDA_FLAVOUR,
      lockHash: toolchainLockHash(),
      minimumDriver: minimumDriverFor(archs.map(architecture)),
    },
    archs,
    variants: [...entries].sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}
