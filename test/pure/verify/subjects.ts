/** Small kernels written by hand, with their specs and manifest entries: subjects that a test can break. */

import { expr, type LaunchExpr, type Manifest, type VariantEntry } from '../../../src/device/index.js';
import { parseExpr } from '../../../src/device/launch-expr-parse.js';
import { bindKernel, parseSpec, type BoundKernel, type KernelSpec } from '../../../src/spec/index.js';
import { sha256 } from '../../../src/util/hash.js';
import type { Subject } from '../../../src/verify/index.js';
import { sampleManifest, sampleVariant } from '../../support/sample-manifest.js';

const TWICE = `
kernel: twice
doc: Doubles every element.
dims: { tokens: dynamic, cols: 4 }
tensors:
  x: { shape: [tokens, cols], dtype: f32 }
  out: { shape: [tokens, cols], dtype: f32, access: out }
formula: |
  out = f32(x) * 2.0
`;

const TWICE_APART = TWICE.replace('twice', 'twice_apart').replace(
  'access: out }',
  'access: out, strides: [dynamic, 1] }',
);

const KEEP_POSITIVE = `
kernel: keep_positive
doc: Overwrites where x is positive.
dims: { tokens: dynamic, cols: 4 }
tensors:
  x: { shape: [tokens, cols], dtype: f32 }
  out: { shape: [tokens, cols], dtype: f32, access: inout }
formula: |
  out = f32(x) where f32(x) > 0.0
`;

/** Eight threads: two rows of four. `%f1` is an element of x, `%rd5` the address of the one of out. */
const ptx = (entry: string, parameters: string, address: string, body: string): string => `
.version 8.8
.target sm_90a
.address_size 64

.visible .entry ${entry}(
	.param .u64 .ptr .global .align 16 ${entry}_param_0,
	.param .u64 .ptr .global .align 16 ${entry}_param_1,
	.param .u32 ${entry}_param_2${parameters}
)
.reqntid 8, 1, 1
{
	.reg .pred 	%p<4>;
	.reg .b32 	%r<16>;
	.reg .f32 	%f<4>;
	.reg .b64 	%rd<12>;

	ld.param.b64 	%rd1, [${entry}_param_0];
	ld.param.b64 	%rd2, [${entry}_param_1];
	ld.param.b32 	%r1, [${entry}_param_2];
	mov.u32 	%r2, %tid.x;
	mov.u32 	%r3, %ctaid.x;
	shr.u32 	%r4, %r2, 2;
	shl.b32 	%r5, %r3, 1;
	add.s32 	%r6, %r5, %r4;
	setp.ge.s32 	%p1, %r6, %r1;
	@%p1 bra 	$L__DONE;
	shl.b32 	%r7, %r3, 3;
	add.s32 	%r8, %r7, %r2;
	mul.wide.s32 	%rd3, %r8, 4;
	add.s64 	%rd4, %rd1, %rd3;
	${address}
	ld.global.b32 	%f1, [%rd4];
	${body}
$L__DONE:
	ret;
}
`;

const CONTIGUOUS = 'add.s64 	%rd5, %rd2, %rd3;';
/** row * stride + column, in elements. */
const APART = [
  'ld.param.b64 	%rd6, [twice_apart_0_param_3];',
  'cvt.s64.s32 	%rd7, %r6;',
  'mul.lo.s64 	%rd8, %rd7, %rd6;',
  'and.b32 	%r9, %r2, 3;',
  'cvt.s64.s32 	%rd9, %r9;',
  'add.s64 	%rd10, %rd8, %rd9;',
  'shl.b64 	%rd11, %rd10, 2;',
  'add.s64 	%rd5, %rd2, %rd11;',
].join('\n\t');

const DOUBLE = 'mul.f32 	%f2, %f1, 0f40000000;\n\tst.global.b32 	[%rd5], %f2;';
const WHERE = 'setp.leu.f32 	%p2, %f1, 0f00000000;\n\t@%p2 bra 	$L__DONE;\n\tst.global.b32 	[%rd5], %f1;';

type Param = VariantEntry['params'][number];
const POINTERS: readonly Param[] = ['x', 'out'].map((name, i) => ({
  name,
  kind: 'pointer',
  offset: 8 * i,
  size: 8,
  source: { kind: 'tensor', tensor: name },
}));
const TOKENS: Param = {
  name: 'tokens',
  kind: 'i32',
  offset: 16,
  size: 4,
  source: { kind: 'dim', dim: 'tokens' },
};
const OUT_STRIDE: Param = {
  name: 'out_stride0',
  kind: 'i64',
  offset: 24,
  size: 8,
  source: { kind: 'stride', tensor: 'out', axis: 0 },
};

function tensor(
  name: string,
  access: 'in' | 'out' | 'inout',
  step: LaunchExpr = expr.const(4),
): VariantEntry['tensors'][number] {
  const shape = [expr.dim('tokens'), expr.const(4)];
  return { name, dtype: 'f32', shape, strides: [step, expr.const(1)], access, alignment: 16 };
}

function subject(
  spec: KernelSpec,
  text: string,
  out: VariantEntry['tensors'][number],
  params: readonly Param[],
): Subject {
  const bound = bindKernel(spec, { dims: {}, types: {}, flags: {} });
  const id = `${spec.name}.cols4.sm90.prefill`;
  const variant = sampleVariant({
    id,
    kernel: spec.name,
    phase: 'prefill',
    dims: bound.extents,
    types: {},
    flags: {},
    tensors: [tensor('x', 'in'), out],
    params,
    entry: `${spec.name}_0`,
    launch: {
      grid: [parseExpr('ceilDiv(tokens, 2)'), expr.const(1), expr.const(1)],
      block: [8, 1, 1],
      cluster: [1, 1, 1],
      sharedMemoryBytes: 0,
      pdl: false,
      cooperative: false,
    },
    guards: [{ kind: 'arch', arch: 'sm90' }],
  });
  return withPtx({ bound, variant, ptx: text }, text);
}

/** The subject with other PTX, which its manifest entry agrees to. */
export function withPtx({ bound, variant, ptx: before }: Subject, after: string): Subject {
  const file = { ...variant.files.ptx, sha256: sha256(after), bytes: Buffer.byteLength(after) };
  if (before === after && variant.files.ptx.sha256 === file.sha256) throw new Error('nothing has changed');
  return { bound, ptx: after, variant: { ...variant, files: { ...variant.files, ptx: file } } };
}

/** The subject with a piece of its PTX replaced; the piece must be there. */
export function broken(base: Subject, piece: string, by: string): Subject {
  if (!base.ptx.includes(piece)) throw new Error(`no ${piece}`);
  return withPtx(base, base.ptx.replace(piece, by));
}

export const specs: ReadonlyMap<string, KernelSpec> = new Map(
  [TWICE, TWICE_APART, KEEP_POSITIVE].map((text) => {
    const spec = parseSpec(text, 'own.yaml');
    return [spec.name, spec];
  }),
);

export const twice = subject(
  specs.get('twice')!,
  ptx('twice_0', '', CONTIGUOUS, DOUBLE),
  tensor('out', 'out'),
  [...POINTERS, TOKENS],
);

export const twiceApart = subject(
  specs.get('twice_apart')!,
  ptx('twice_apart_0', ',\n\t.param .u64 twice_apart_0_param_3', APART, DOUBLE),
  tensor('out', 'out', expr.stride('out', 0)),
  [...POINTERS, TOKENS, OUT_STRIDE],
);

export const keepPositive = subject(
  specs.get('keep_positive')!,
  ptx('keep_positive_0', '', CONTIGUOUS, WHERE),
  tensor('out', 'inout'),
  [...POINTERS, TOKENS],
);

export const manifestOf = (subjects: readonly Subject[]): Manifest =>
  sampleManifest(subjects.map(({ variant }) => variant));

/** A spec bound for pieces that need no PTX: one CTA for each four of `rows`. */
export function planned(
  spec: KernelSpec,
  binding: BoundKernel['binding'],
  rows: string,
): { readonly bound: BoundKernel; readonly variant: VariantEntry } {
  const bound = bindKernel(spec, binding);
  const variant = sampleVariant({
    kernel: spec.name,
    dims: bound.extents,
    tensors: [],
    params: [],
    guards: [],
    launch: {
      ...sampleVariant().launch,
      grid: [parseExpr(`ceilDiv(${rows}, 4)`), expr.const(1), expr.const(1)],
    },
  });
  return { bound, variant };
}
