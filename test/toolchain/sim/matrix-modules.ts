/** Modules for matrix instructions of a warp. */

import { DEFAULTS } from './class-module.js';
import type { ClassModule } from './class-module.js';

export const MATRIX_MODULES = {
  matrix: {
    ...DEFAULTS,
    types: ['BFloat16', 'BFloat16', 'Float32'],
    body: `
    tiled = cute.make_tiled_mma(warp.MmaF16BF16Op(BFloat16, Float32, (16, 8, 16)), cute.make_layout((1, 1, 1)))
    smem = cutlass.memory.SmemAllocator()
    sa = smem.allocate_tensor(BFloat16, cute.make_layout((16, 16), stride=(16, 1)), byte_alignment=16)
    sb = smem.allocate_tensor(BFloat16, cute.make_layout((8, 16), stride=(16, 1)), byte_alignment=16)
    ga = cute.make_tensor(a, cute.make_layout((16, 16), stride=(16, 1)))
    gb = cute.make_tensor(b, cute.make_layout((8, 16), stride=(16, 1)))
    for i in cutlass.range_constexpr(8):
        sa[t // 2, (t % 2) * 8 + i] = ga[t // 2, (t % 2) * 8 + i]
    for i in cutlass.range_constexpr(4):
        sb[t // 4, (t % 4) * 4 + i] = gb[t // 4, (t % 4) * 4 + i]
    cute.arch.barrier()
    part = tiled.get_slice(t)
    fa = tiled.make_fragment_A(part.partition_A(sa))
    fb = tiled.make_fragment_B(part.partition_B(sb))
    copy_a = cute.make_tiled_copy_A(cute.make_copy_atom(warp.LdMatrix8x8x16bOp(False, 4), BFloat16), tiled)
    copy_b = cute.make_tiled_copy_B(cute.make_copy_atom(warp.LdMatrix8x8x16bOp(False, 2), BFloat16), tiled)
    cute.copy(copy_a, copy_a.get_slice(t).partition_S(sa), copy_a.get_slice(t).retile(fa))
    cute.copy(copy_b, copy_b.get_slice(t).partition_S(sb), copy_b.get_slice(t).retile(fb))
    tc = part.partition_C(cute.make_tensor(out, cute.make_layout((16, 8), stride=(8, 1))))
    fc = tiled.make_fragment_C(tc)
    fc.fill(0.0)
    cute.gemm(tiled, fc, fa, fb, fc)
    cute.autovec_copy(fc, tc)
`,
    instructions: ['ldmatrix.sync', 'mma.sync.aligned.m16n8k16'],
  },
  matrixStore: {
    ...DEFAULTS,
    hopper: true,
    types: ['BFloat16', 'BFloat16', 'BFloat16'],
    body: `
    tiled = cute.make_tiled_mma(warp.MmaF16BF16Op(BFloat16, Float32, (16, 8, 16)), cute.make_layout((1, 1, 1)))
    part = tiled.get_slice(t)
    ga = cute.make_tensor(a, cute.make_layout((16, 16), stride=(16, 1)))
    gb = cute.make_tensor(b, cute.make_layout((8, 16), stride=(16, 1)))
    fa = tiled.make_fragment_A(part.partition_A(ga))
    fb = tiled.make_fragment_B(part.partition_B(gb))
    cute.autovec_copy(part.partition_A(ga), fa)
    cute.autovec_copy(part.partition_B(gb), fb)
    s = cutlass.memory.SmemAllocator().allocate_tensor(
        BFloat16, cute.make_layout((16, 8), stride=(8, 1)), byte_alignment=16
    )
    fc = tiled.make_fragment_C(part.partition_C(s))
    acc = cute.make_rmem_tensor(fc.shape, Float32)
    acc.fill(0.0)
    cute.gemm(tiled, acc, fa, fb, acc)
    half = cute.make_rmem_tensor(fc.shape, BFloat16)
    half.store(acc.load().to(BFloat16))
    copy = cute.make_tiled_copy_C(cute.make_copy_atom(warp.StMatrix8x8x16bOp(False, 2), BFloat16), tiled)
    mine = copy.get_slice(t)
    cute.copy(copy, mine.retile(half), mine.partition_D(s))
    cute.arch.barrier()
    for i in cutlass.range_constexpr(4):
        cute.make_tensor(out, 128)[t * 4 + i] = s[t // 2, (t % 2) * 4 + i]
`,
    instructions: ['stmatrix.sync', 'mma.sync.aligned.m16n8k16'],
  },
  matrixFp8: {
    ...DEFAULTS,
    hopper: true,
    types: ['Float8E4M3FN', 'Float8E4M3FN', 'Float32'],
    body: `
    tiled = cute.make_tiled_mma(warp.MmaFP8Op(Float8E4M3FN, Float32, (16, 8, 32)), cute.make_layout((1, 1, 1)))
    part = tiled.get_slice(t)
    ga = part.partition_A(cute.make_tensor(a, cute.make_layout((16, 32), stride=(32, 1))))
    gb = part.partition_B(cute.make_tensor(b, cute.make_layout((8, 32), stride=(32, 1))))
    gc = part.partition_C(cute.make_tensor(out, cute.make_layout((16, 8), stride=(8, 1))))
    fa, fb, fc = tiled.make_fragment_A(ga), tiled.make_fragment_B(gb), tiled.make_fragment_C(gc)
    cute.autovec_copy(ga, fa)
    cute.autovec_copy(gb, fb)
    fc.fill(0.0)
    cute.gemm(tiled, fc, fa, fb, fc)
    cute.autovec_copy(fc, gc)
`,
    instructions: ['mma.sync.aligned.m16n8k32', 'e4m3'],
  },
  matrixInt8: {
    ...DEFAULTS,
    body: `
    ga = cute.make_tensor(a, cute.make_layout((16, 8), stride=(8, 1)))
    gb = cute.make_tensor(b, cute.make_layout((8, 8), stride=(8, 1)))
    gc = cute.make_tensor(out, cute.make_layout((16, 8), stride=(8, 1)))
    group, member = t // 4, t % 4
    d0, d1, d2, d3 = cute.arch.inline_ptx(
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
        "{{$w0}, {$w1}, {$w2}, {$w3}}, {{$r0}, {$r1}, {$r2}, {$r3}}, {{$r4}, {$r5}}, {{$r6}, {$r6}, {$r6}, {$r6}};",
        write_only_types=[Int32, Int32, Int32, Int32],
        read_only_args=[
            ga[group, member],
            ga[group + 8, member],
            ga[group, member + 4],
            ga[group + 8, member + 4],
            gb[group, member],
            gb[group, member + 4],
            Int32(5),
        ],
    )
    gc[group, 2 * member] = d0
    gc[group, 2 * member + 1] = d1
    gc[group + 8, 2 * member] = d2
    gc[group + 8, 2 * member + 1] = d3
`,
    instructions: ['mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32'],
  },
} as const satisfies Record<string, ClassModule>;
