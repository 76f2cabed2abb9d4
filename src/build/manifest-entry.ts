/** A rendered variant and its cubin -> its entry in the manifest. */

import { architecture } from '../device/arch.js';
import {
  expr,
  type Guard,
  type LaunchExpr,
  type LaunchOperation,
  type LaunchRule,
  type ParamEntry,
  type TensorEntry,
  type VariantEntry,
} from '../device/index.js';
import { gridExpr } from '../emit/index.js';
import {
  clusterSize,
  modeStrides,
  type IrScalar,
  type Kernel,
  type Stride,
  type TileExpr,
} from '../ir/index.js';
import { sharedBytes } from '../passes/index.js';
import type { BoundKernel, BoundTensor } from '../spec/index.js';
import { readCubin, reportResources } from '../toolchain/index.js';
import { sha256 } from '../util/hash.js';
import { RoseError } from '../util/errors.js';
import type { RenderedVariant } from './render.js';
import { specKey } from './keys.js';

export interface VariantFiles {
  readonly module: string;
  readonly ptx: Uint8Array;
  readonly cubin: Uint8Array;
}

/** @throws COMPILE_SPILLS where the kernel spills registers and its spec does not allow that; CUBIN_INVALID. */
export function manifestEntry(
  rendered: RenderedVariant,
  files: VariantFiles,
  artifactKey: string,
): VariantEntry {
  const { variant, bound, kernel, module } = rendered;
  const cubin = readCubin(files.cubin);
  const compiled = cubin.kernels.find((each) => each.name === module.entry);
  if (!compiled) {
    throw new RoseError({
      code: 'CUBIN_INVALID',
      message: `the cubin of ${variant.id} lacks its kernel`,
      actual: cubin.kernels.map((each) => each.name).join(', ') || 'no kernel',
      expected: module.entry,
      next: 'run `rose-gen cache verify`, then build again',
    });
  }
  const dynamicSharedBytes = sharedBytes(kernel);
  const resources = reportResources(architecture(variant.arch), compiled, {
    threads: kernel.schedule!.threads,
    dynamicSharedBytes,
  });
  if (resources.spillBytes > 0 && bound.spec.allowSpills === undefined) {
    throw new RoseError({
      code: 'COMPILE_SPILLS',
      message: `${variant.id} spills registers`,
      place: { file: bound.spec.origin.file },
      actual: `${resources.spillBytes} bytes of spills at ${resources.registers} registers`,
      expected: 'no spills',
      next: 'use another schedule, or give the spec `allow_spills` with a reason',
    });
  }
  const path = (folder: string, extension: string) => `${folder}/${variant.id}.${extension}`;
  const file = (name: string, data: string | Uint8Array) => ({
    path: name,
    sha256: sha256(data),
    bytes: Buffer.byteLength(data),
  });
  return {
    id: variant.id,
    kernel: variant.kernel,
    specKey: specKey(variant, bound.spec),
    artifactKey,
    arch: variant.arch,
    phase: variant.phase,
    dims: bound.extents,
    types: variant.binding.types,
    flags: { ...variant.binding.flags, dependent_launch: variant.pdl },
    tensors: bound.tensors.map((tensor) => tensorEntry(rendered, tensor)),
    params: paramEntries(rendered, compiled.params),
    entry: module.entry,
    launch: launchRule(rendered, dynamicSharedBytes),
    guards: guards(rendered),
    resources,
    files: {
      module: file(path('modules', 'py'), files.module),
      ptx: file(path('ptx', 'ptx'), files.ptx),
      cubin: file(path('cubin', 'cubin'), files.cubin),
    },
    reasons: variant.reasons,
  };
}

/** One axis for each entry of the spec's shape: a merged entry is one axis, as long as its dimensions together. */
function tensorEntry(rendered: RenderedVariant, tensor: BoundTensor): TensorEntry {
  const strides = modeStrides(tensor);
  const entries = [...new Set(tensor.modes.map((mode) => mode.entry))];
  const shape = entries.map((entry) =>
    tensor.modes
      .filter((mode) => mode.entry === entry)
      .map((mode) =>
        mode.extent === 'dynamic'
          ? plus(expr.dim(mode.dim), mode.extra)
          : expr.const(mode.extent + mode.extra),
      )
      .reduce((left, right) => product(left, right)),
  );
  const steps = entries.map((entry) =>
    strideExpr(rendered.bound, strides[tensor.modes.findLastIndex((mode) => mode.entry === entry)]!),
  );
  const aligned = rendered.kernel.tensors.find((each) => each.name === tensor.name)!;
  return {
    name: tensor.name,
    dtype: tensor.dtype,
    shape,
    strides: steps,
    access: tensor.access,
    alignment: aligned.align,
  };
}

const plus = (left: LaunchExpr, extra: number): LaunchExpr =>
  extra === 0 ? left : expr.binary('add', left, expr.const(extra));

function product(left: LaunchExpr, right: LaunchExpr): LaunchExpr {
  return left.kind === 'const' && right.kind === 'const'
    ? expr.const(left.value * right.value)
    : expr.mul(left, right);
}

function strideExpr(bound: BoundKernel, step: Stride): LaunchExpr {
  return step.symbols.reduce<LaunchExpr>((left, symbol) => {
    const dynamic = bound.tensors
      .flatMap((tensor) => tensor.modes.map((mode) => ({ tensor, mode })))
      .find(({ tensor, mode }) => `${tensor.name}_stride${mode.entry}` === symbol);
    const right = dynamic ? expr.stride(dynamic.tensor.name, dynamic.mode.entry) : expr.dim(symbol);
    return left.kind === 'const' && left.value === 1 ? right : expr.mul(left, right);
  }, expr.const(step.factor));
}

function paramEntries(
  rendered: RenderedVariant,
  params: readonly { readonly offset: number; readonly size: number }[],
): readonly ParamEntry[] {
  const { kernel, variant } = rendered;
  const sources = [
    ...kernel.tensors.map(({ name }) => ({
      name,
      kind: 'pointer' as const,
      source: { kind: 'tensor', tensor: name } as const,
    })),
    ...kernel.scalars.map((scalar) => ({
      name: scalar.name,
      kind: scalar.dtype,
      source: scalarSource(scalar),
    })),
  ];
  if (sources.length !== params.length) {
    throw new RoseError({
      code: 'CUBIN_INVALID',
      message: `the cubin of ${variant.id} takes other parameters than its module`,
      actual: `${params.length} parameters`,
      expected: `${sources.length}`,
      next: 'report this with the module: it is a defect of the compiler',
    });
  }
  return sources.map((source, i) => ({ ...source, offset: params[i]!.offset, size: params[i]!.size }));
}

function scalarSource(scalar: IrScalar): ParamEntry['source'] {
  const { source } = scalar;
  if (source.kind === 'stride') return { kind: 'stride', tensor: source.tensor, axis: source.entry };
  return source.kind === 'dim' ? { kind: 'dim', dim: source.dim } : { kind: 'scalar', name: scalar.name };
}

function launchRule(rendered: RenderedVariant, sharedMemoryBytes: number): LaunchRule {
  const { kernel, variant } = rendered;
  const { schedule } = kernel;
  const tiles = launchExpr(gridExpr(kernel));
  const { persistent } = schedule!;
  const cluster = clusterSize(schedule!);
  const grid = persistent ? expr.binary('min', tiles, residentCtas(persistent.ctasPerSm, cluster)) : tiles;
  return {
    grid: [grid, expr.const(1), expr.const(1)],
    block: [schedule!.threads, 1, 1],
    cluster: [cluster, 1, 1],
    sharedMemoryBytes,
    pdl: variant.pdl,
    cooperative: false,
  };
}

/** CTAs of a persistent grid: whole clusters, and at least one. */
function residentCtas(ctasPerSm: number, cluster: number): LaunchExpr {
  const ctas = expr.mul(expr.smCount(), expr.const(ctasPerSm));
  if (cluster === 1) return ctas;
  const whole = expr.mul(expr.binary('div', ctas, expr.const(cluster)), expr.const(cluster));
  return expr.binary('max', whole, expr.const(cluster));
}

const OPERATIONS: Readonly<Record<string, LaunchOperation>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '%': 'mod',
  max: 'max',
};

function launchExpr(tile: TileExpr): LaunchExpr {
  if (tile.kind === 'literal') return expr.const(Number(tile.value));
  if (tile.kind === 'name') return expr.dim(tile.name);
  if (tile.kind === 'binary' && OPERATIONS[tile.fn])
    return expr.binary(OPERATIONS[tile.fn]!, launchExpr(tile.left), launchExpr(tile.right));
  throw new Error(`a grid holds a ${tile.kind}`);
}

/** Rows are counted in i32, those that fill the last CTA included. */
function largestExtent(kernel: Kernel, dim: string): number {
  const limits = kernel.sections
    .filter(({ axes }) => axes.some((info) => info.role === 'row' && info.axis === dim))
    .map(({ axes, schedule }) => {
      const rows = axes.reduce(
        (product, { role, extent }) => product * (role === 'row' && extent !== 'dynamic' ? extent : 1),
        1,
      );
      return Math.floor((MAX_I32 - schedule!.rowsPerCta) / rows);
    });
  return Math.min(MAX_I32, ...limits);
}

const MAX_I32 = 2 ** 31 - 1;

function guards(rendered: RenderedVariant): readonly Guard[] {
  const { bound, kernel, variant } = rendered;
  return [
    { kind: 'arch', arch: variant.arch },
    ...kernel.tensors.flatMap((tensor): readonly Guard[] => [
      { kind: 'dtype', tensor: tensor.name, dtype: tensor.dtype },
      { kind: 'alignment', tensor: tensor.name, bytes: tensor.align },
    ]),
    ...kernel.scalars.flatMap((scalar): readonly Guard[] =>
      scalar.source.kind === 'stride' && scalar.multipleOf > 1
        ? [
            {
              kind: 'strideMultiple',
              tensor: scalar.source.tensor,
              axis: scalar.source.entry,
              value: scalar.multipleOf,
            },
          ]
        : [],
    ),
    ...Object.entries(bound.extents).flatMap(([dim, extent]): readonly Guard[] =>
      extent === 'dynamic'
        ? [
            { kind: 'dimMin', dim, value: 0 },
            { kind: 'dimMax', dim, value: largestExtent(kernel, dim) },
          ]
        : [{ kind: 'dimEquals', dim, value: extent }],
    ),
  ];
}
