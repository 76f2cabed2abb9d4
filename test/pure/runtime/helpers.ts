/** A library on disk whose cubins the fake driver takes, and whose PTX the simulator runs. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expr, parseExpr, serializeManifest, type VariantEntry } from '../../../src/device/index.js';
import { openLibrary, type Library } from '../../../src/runtime/index.js';
import { sha256 } from '../../../src/util/hash.js';
import { FAKE_CUBIN, FakeDriver, type FakeKernel } from '../../support/fake-driver.js';
import { sampleManifest, sampleVariant } from '../../support/sample-manifest.js';

export const ENTRY = 'scale_0';

/** out[i] = x[i] * factor over `count` elements: 32 threads a block. */
export const SCALE_PTX = `.version 8.7
.target sm_90a
.address_size 64
.visible .entry ${ENTRY}(.param .u64 p0, .param .u64 p1, .param .u32 p2, .param .f32 p3)
{
.reg .pred %p<2>; .reg .b32 %r<8>; .reg .f32 %f<4>; .reg .b64 %rd<8>;
griddepcontrol.wait;
ld.param.u64 %rd1, [p0]; ld.param.u64 %rd2, [p1]; ld.param.u32 %r1, [p2]; ld.param.f32 %f1, [p3];
mov.u32 %r2, %ctaid.x; mov.u32 %r3, %tid.x; shl.b32 %r4, %r2, 5; add.s32 %r5, %r4, %r3;
setp.ge.u32 %p1, %r5, %r1; @%p1 bra DONE;
mul.wide.u32 %rd3, %r5, 4; add.s64 %rd4, %rd1, %rd3; add.s64 %rd5, %rd2, %rd3;
ld.global.f32 %f2, [%rd4]; mul.f32 %f3, %f2, %f1; st.global.f32 [%rd5], %f3;
DONE: ret;
}
`;

/** The same on the fake driver. */
export const SCALE_KERNEL: FakeKernel = {
  params: [
    [0, 8],
    [8, 8],
    [16, 4],
    [20, 4],
  ],
  run: ({ parameters, memory }) => {
    const count = parameters.getInt32(16, true);
    const factor = parameters.getFloat32(20, true);
    const floats = (offset: number): Float32Array => {
      const bytes = memory(parameters.getBigUint64(offset, true), 4 * count);
      return new Float32Array(bytes.buffer, bytes.byteOffset, count);
    };
    floats(8).set(floats(0).map((value) => Math.fround(value * factor)));
  },
};

export function scaleVariant(change: Partial<VariantEntry> = {}): VariantEntry {
  const tensor = (name: string, access: 'in' | 'out'): VariantEntry['tensors'][number] => ({
    name,
    dtype: 'f32',
    shape: [expr.dim('rows'), expr.dim('width')],
    strides: [expr.dim('width'), expr.const(1)],
    access,
    alignment: 16,
  });
  return sampleVariant({
    id: 'scale.width8.f32.sm90.decode',
    kernel: 'scale',
    dims: { rows: 'dynamic', width: 8 },
    types: { T: 'f32' },
    flags: { dependent_launch: true, negate: false },
    tensors: [tensor('x', 'in'), tensor('out', 'out')],
    params: [
      { name: 'x', kind: 'pointer', offset: 0, size: 8, source: { kind: 'tensor', tensor: 'x' } },
      { name: 'out', kind: 'pointer', offset: 8, size: 8, source: { kind: 'tensor', tensor: 'out' } },
      {
        name: 'count',
        kind: 'i32',
        offset: 16,
        size: 4,
        source: { kind: 'expr', expr: parseExpr('rows * width') },
      },
      { name: 'factor', kind: 'f32', offset: 20, size: 4, source: { kind: 'scalar', name: 'factor' } },
    ],
    entry: ENTRY,
    launch: {
      grid: [parseExpr('ceilDiv(rows * width, 32)'), expr.const(1), expr.const(1)],
      block: [32, 1, 1],
      cluster: [1, 1, 1],
      sharedMemoryBytes: 0,
      pdl: true,
      cooperative: false,
    },
    guards: [
      { kind: 'arch', arch: change.arch ?? 'sm90' },
      { kind: 'alignment', tensor: 'x', bytes: 32 },
      { kind: 'dimEquals', dim: 'width', value: 8 },
      { kind: 'dimMax', dim: 'rows', value: 1000 },
    ],
    ...change,
  });
}

/** Decode and prefill, for sm90 and sm100. */
export const SCALE_VARIANTS: readonly VariantEntry[] = ['sm90', 'sm100'].flatMap((arch) =>
  ['decode', 'prefill'].map((phase) =>
    scaleVariant({ id: `scale.width8.f32.${arch}.${phase}`, arch, phase }),
  ),
);

const folders: string[] = [];

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Writes a library and returns its folder. */
export function writeLibrary(variants: readonly VariantEntry[] = SCALE_VARIANTS): string {
  const folder = mkdtempSync(join(tmpdir(), 'rose-gen-library-'));
  folders.push(folder);
  const write = (path: string, bytes: Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
    return { path, sha256: sha256(bytes), bytes: bytes.length };
  };
  const withFiles = variants.map((variant) => ({
    ...variant,
    files: {
      module: variant.files.module,
      ptx: write(`ptx/${variant.id}.ptx`, new TextEncoder().encode(SCALE_PTX)),
      cubin: write(`cubin/${variant.id}.cubin`, FAKE_CUBIN),
    },
  }));
  writeFileSync(join(folder, 'manifest.json'), serializeManifest(sampleManifest(withFiles)));
  return folder;
}

export function fakeDriver(change: ConstructorParameters<typeof FakeDriver>[0] = {}): FakeDriver {
  return new FakeDriver({ kernels: { [ENTRY]: SCALE_KERNEL }, ...change });
}

/** The library on the fake GPU and in the simulator. */
export async function openBoth(
  variants?: readonly VariantEntry[],
): Promise<readonly { readonly name: string; readonly library: Library }[]> {
  const folder = writeLibrary(variants);
  return [
    { name: 'cuda', library: await openLibrary(folder, { driver: fakeDriver() }) },
    { name: 'sim', library: await openLibrary(folder, { device: 'sim' }) },
  ];
}

export const SCALE = { kernel: 'scale', types: { T: 'f32' }, flags: { negate: false } } as const;
