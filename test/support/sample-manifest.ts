/** A small, whole manifest for tests: one RMSNorm variant, and ways to vary it. */

import { parseExpr } from '../../src/device/launch-expr-parse.js';
import { expr } from '../../src/device/launch-expr.js';
import type { Manifest, VariantEntry } from '../../src/device/manifest.js';
import { sha256 } from '../../src/util/hash.js';

export function sampleVariant(change: Partial<VariantEntry> = {}): VariantEntry {
  const id = change.id ?? 'rms_norm.hidden4096.bf16.sm90.decode';
  const file = (extension: string): VariantEntry['files']['ptx'] => ({
    path: `sm90/${id}.${extension}`,
    sha256: sha256(id + extension),
    bytes: 4096,
  });
  return {
    id,
    kernel: 'rms_norm',
    specKey: sha256('spec'),
    artifactKey: sha256(id),
    arch: 'sm90',
    phase: 'decode',
    dims: { tokens: 'dynamic', hidden: 4096 },
    types: { T: 'bf16' },
    flags: { pdl: true },
    tensors: [
      {
        name: 'x',
        dtype: 'bf16',
        shape: [expr.dim('tokens'), expr.dim('hidden')],
        strides: [expr.stride('x', 0), expr.const(1)],
        access: 'in',
        alignment: 16,
      },
      {
        name: 'out',
        dtype: 'bf16',
        shape: [expr.dim('tokens'), expr.dim('hidden')],
        strides: [expr.dim('hidden'), expr.const(1)],
        access: 'out',
        alignment: 16,
      },
    ],
    params: [
      { name: 'x', kind: 'pointer', offset: 0, size: 8, source: { kind: 'tensor', tensor: 'x' } },
      { name: 'out', kind: 'pointer', offset: 8, size: 8, source: { kind: 'tensor', tensor: 'out' } },
      {
        name: 'x_stride',
        kind: 'i64',
        offset: 16,
        size: 8,
        source: { kind: 'stride', tensor: 'x', axis: 0 },
      },
      { name: 'tokens', kind: 'i32', offset: 24, size: 4, source: { kind: 'dim', dim: 'tokens' } },
      { name: 'eps', kind: 'f32', offset: 28, size: 4, source: { kind: 'scalar', name: 'eps' } },
    ],
    entry: 'rms_norm_0',
    launch: {
      grid: [parseExpr('ceilDiv(tokens, 4)'), expr.const(1), expr.const(1)],
      block: [256, 1, 1],
      cluster: [1, 1, 1],
      sharedMemoryBytes: 32,
      pdl: true,
      cooperative: false,
    },
    guards: [
      { kind: 'arch', arch: 'sm90' },
      { kind: 'dtype', tensor: 'x', dtype: 'bf16' },
      { kind: 'alignment', tensor: 'x', bytes: 16 },
      { kind: 'dimEquals', dim: 'hidden', value: 4096 },
      { kind: 'dimMax', dim: 'tokens', value: 2 ** 33 },
      { kind: 'strideMultiple', tensor: 'x', axis: 0, value: 8 },
    ],
    resources: {
      registers: 39,
      spillBytes: 0,
      localBytes: 0,
      staticSharedBytes: 0,
      dynamicSharedBytes: 32,
      ctasPerSm: 6,
    },
    files: { module: file('py'), ptx: file('ptx'), cubin: file('cubin') },
    reasons: ['input norm of each layer'],
    ...change,
  };
}

export function sampleManifest(variants: readonly VariantEntry[] = [sampleVariant()]): Manifest {
  return {
    schema: 1,
    generator: { name: 'rose-gen', version: '0.1.0', hash: sha256('generator') },
    toolchain: {
      cutlassDsl: '4.8.1',
      cudaFlavour: 'cu12',
      lockHash: sha256('lock'),
      minimumDriver: '525.60.13',
    },
    archs: [...new Set(variants.map(({ arch }) => arch))].sort(),
    variants,
  };
}
