/** CuTeDSL modules as small as can be, one for each class of instructions. */

import { DEFAULTS } from './class-module.js';
import type { ClassModule } from './class-module.js';
import { MATRIX_MODULES } from './matrix-modules.js';
import { ORDER_MODULES } from './order-modules.js';

export function source({ body, types, grid, block, cluster }: ClassModule): string {
  return `import cutlass
import cutlass.cute as cute
from cutlass import BFloat16, Float16, Float32, Float8E4M3FN, Int8, Int32, Int64, Uint32
from cutlass.cute.nvgpu import cpasync, warp
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.kernel
def k(a: cute.Pointer, b: cute.Pointer, out: cute.Pointer):
    t, _, _ = cute.arch.thread_idx()
${body.replace(/^\n/, '').trimEnd()}


k.set_name_prefix("k", remove_cutlass_symbol=True, keep_mangled_name=False)


@cute.jit
def launch(a: cute.Pointer, b: cute.Pointer, out: cute.Pointer, stream: object):
    k(a, b, out).launch(
        grid=[${grid}, 1, 1], block=[${block}, 1, 1], cluster=[${cluster}, 1, 1], smem=4096, stream=stream
    )


def compile_kernel(options: str):
    pointers = [make_ptr(dtype, 16, cute.AddressSpace.gmem, assumed_align=16) for dtype in (${types.join(', ')})]
    return cute.compile(launch, *pointers, make_fake_stream(), options=options)
`;
}

export const MODULES = {
  ...MATRIX_MODULES,
  ...ORDER_MODULES,
  warp: {
    ...DEFAULTS,
    body: `
    x = cute.make_tensor(a, 32)[t]
    o = cute.make_tensor(out, cute.make_layout((32, 8), stride=(8, 1)))
    o[t, 0] = cute.arch.shuffle_sync_bfly(x, offset=5)
    o[t, 1] = cute.arch.shuffle_sync_up(x, offset=3, mask_and_clamp=0)
    o[t, 2] = cute.arch.shuffle_sync(x, 7)
    o[t, 3] = Int32(cute.arch.vote_ballot_sync(x > 40))
    o[t, 4] = Int32(cute.arch.match_sync(-1, x & 3))
    o[t, 5] = cute.arch.warp_redux_sync(x, "add")
    o[t, 6] = Int32(0)
    o[t, 7] = Int32(0)
    if cute.arch.vote_any_sync(x == 51):
        o[t, 6] = Int32(1)
    cute.arch.sync_warp()
`,
    instructions: [
      'shfl.sync.bfly',
      'shfl.sync.up',
      'shfl.sync.idx',
      'vote.sync.ballot',
      'vote.sync.any',
      'match.any.sync',
      'redux.sync.add',
      'bar.warp.sync',
    ],
  },
  math: {
    ...DEFAULTS,
    types: ['Float32', 'Float32', 'Float32'],
    body: `
    x = cute.make_tensor(a, 32)[t]
    o = cute.make_tensor(out, cute.make_layout((32, 8), stride=(8, 1)))
    o[t, 0] = cute.math.exp2(x, fastmath=True)
    o[t, 1] = cute.math.log2(x, fastmath=True)
    o[t, 2] = cute.math.rsqrt(x, fastmath=True)
    o[t, 3] = cute.math.tanh(x, fastmath=True)
    o[t, 4] = cute.math.sin(x, fastmath=True)
    o[t, 5] = cute.math.cos(x, fastmath=True)
    o[t, 6] = cute.math.sqrt(x)
    o[t, 7] = cute.arch.rcp_approx(x)
`,
    instructions: [
      'ex2.approx',
      'lg2.approx',
      'rsqrt.approx',
      'tanh.approx',
      'sin.approx',
      'cos.approx',
      'sqrt.',
      'rcp.approx',
    ],
  },
  exactMath: {
    ...DEFAULTS,
    types: ['Float32', 'Float32', 'Float32'],
    body: `
    x = cute.make_tensor(a, 32)[t]
    o = cute.make_tensor(out, cute.make_layout((32, 8), stride=(8, 1)))
    o[t, 0] = cute.math.exp2(x)
    o[t, 1] = cute.math.log2(x)
    o[t, 2] = cute.math.exp(x)
    o[t, 3] = cute.math.tanh(x)
    o[t, 4] = cute.math.sin(x)
    o[t, 5] = cute.math.cos(x)
    o[t, 6] = cute.math.erf(x)
    o[t, 7] = Float32(1.0) / x
`,
    instructions: ['fma.rn.f32', 'cvt.', 'selp.'],
  },
  fp8: {
    ...DEFAULTS,
    hopper: true,
    types: ['Float32', 'Float32', 'Float8E4M3FN'],
    body: `
    values = cute.make_tensor(a, cute.make_layout((4, 32)))[None, t].load()
    cute.make_tensor(out, cute.make_layout((4, 32)))[None, t].store(values.to(Float8E4M3FN))
    again = cute.make_tensor(out, cute.make_layout((4, 32)))[None, t].load().to(Float32)
    cute.make_tensor(b, cute.make_layout((4, 32)))[None, t].store(again)
`,
    instructions: ['cvt.rn.satfinite.e4m3x2.f32', 'cvt.rn.f16x2.e4m3x2'],
  },
  atomics: {
    ...DEFAULTS,
    body: `
    o = cute.make_tensor(out, 8)
    x = cute.make_tensor(a, 32)[t]
    cute.arch.atomic_add(o.iterator, x)
    cute.arch.atomic_max(o.iterator + 1, x)
    cute.arch.atomic_min(o.iterator + 2, x)
    cute.make_tensor(b, 32)[t] = cute.arch.atomic_add(o.iterator + 3, Int32(1))
    cute.arch.atomic_cas(o.iterator + 4, cmp=Int32(0), val=x)
`,
    instructions: ['atom.'],
  },
  cpAsync: {
    ...DEFAULTS,
    body: `
    s = cutlass.memory.SmemAllocator().allocate_tensor(
        Int32, cute.make_layout((4, 32), stride=(1, 4)), byte_alignment=16
    )
    g = cute.make_tensor(a, cute.make_layout((4, 32), stride=(1, 4)))
    atom = cute.make_copy_atom(cpasync.CopyG2SOp(), Int32, num_bits_per_copy=128)
    cute.copy(atom, g[None, t], s[None, t])
    cute.arch.cp_async_commit_group()
    cute.arch.cp_async_wait_group(0)
    cute.arch.barrier()
    cute.make_tensor(out, 32)[t] = s[t % 4, 31 - t]
`,
    instructions: ['cp.async.', 'cp.async.commit_group', 'cp.async.wait_'],
  },
  namedBarriers: {
    ...DEFAULTS,
    hopper: true,
    block: 64,
    body: `
    s = cutlass.memory.SmemAllocator().allocate_tensor(Int32, cute.make_layout(32), byte_alignment=16)
    if t < 32:
        s[t] = cute.make_tensor(a, 32)[t]
        cute.arch.barrier_arrive(barrier_id=1, number_of_threads=64)
    else:
        cute.arch.barrier(barrier_id=1, number_of_threads=64)
        cute.make_tensor(out, 32)[t - 32] = s[63 - t]
    with cute.arch.elect_one():
        cute.make_tensor(b, 2)[t // 32] = t
`,
    instructions: ['bar', 'elect.sync'],
  },
  cluster: {
    ...DEFAULTS,
    hopper: true,
    grid: 8,
    cluster: 4,
    body: `
    rank = cute.arch.block_idx_in_cluster()
    block, _, _ = cute.arch.block_idx()
    s = cutlass.memory.SmemAllocator().allocate_tensor(Int32, cute.make_layout(32), byte_alignment=16)
    s[t] = cute.make_tensor(a, 256)[block * 32 + t]
    cute.arch.cluster_arrive()
    cute.arch.cluster_wait()
    total = Int32(0)
    for step in cutlass.range_constexpr(4):
        remote = cute.arch.map_dsmem_ptr(s.iterator, (rank + step) % 4)
        total = total + cute.arch.inline_ptx(
            "ld.shared::cluster.b32 {$w0}, [{$r0}];", write_only_types=[Int32], read_only_args=[remote.toint() + 4 * t]
        )
    cute.make_tensor(out, 256)[block * 32 + t] = total
    cute.arch.cluster_arrive()
    cute.arch.cluster_wait()
`,
    instructions: ['mapa', 'barrier.cluster.arrive', 'barrier.cluster.wait', 'ld.shared::cluster'],
  },
  storeAsync: {
    ...DEFAULTS,
    hopper: true,
    grid: 2,
    cluster: 2,
    body: `
    rank = cute.arch.block_idx_in_cluster()
    smem = cutlass.memory.SmemAllocator()
    s = smem.allocate_tensor(Int32, cute.make_layout(4), byte_alignment=16)
    bar = smem.allocate_array(Int64, 1)
    if t == 0:
        cute.arch.mbarrier_init(bar, 1)
        cute.arch.mbarrier_init_fence()
        cute.arch.mbarrier_arrive_and_expect_tx(bar, 16)
    cute.arch.cluster_arrive()
    cute.arch.cluster_wait()
    if t < 4:
        cute.arch.store_async_dsmem(s.iterator + t, rank * 10 + t, bar, rank ^ 1)
    cute.arch.mbarrier_wait(bar, 0)
    if t < 4:
        cute.make_tensor(out, 8)[rank * 4 + t] = s[t]
    cute.arch.cluster_arrive()
    cute.arch.cluster_wait()
`,
    instructions: ['st.async', 'mbarrier.init', 'mbarrier.arrive.expect_tx', 'mbarrier.try_wait.parity'],
  },
  bulk: {
    ...DEFAULTS,
    hopper: true,
    body: `
    smem = cutlass.memory.SmemAllocator()
    s = smem.allocate_tensor(Int32, cute.make_layout(128), byte_alignment=128)
    bar = smem.allocate_array(Int64, 1)
    if t == 0:
        cute.arch.mbarrier_init(bar, 1)
        cute.arch.mbarrier_init_fence()
    cute.arch.barrier()
    load = cute.make_copy_atom(cpasync.CopyBulkG2SOp(), Int32, num_bits_per_copy=128 * 32)
    store = cute.make_copy_atom(cpasync.CopyBulkS2GOp(), Int32, num_bits_per_copy=128 * 32)
    if t == 0:
        cute.arch.mbarrier_arrive_and_expect_tx(bar, 512)
        cute.copy(load, cute.make_tensor(a, 128), s, mbar_ptr=bar)
    cute.arch.mbarrier_wait(bar, 0)
    s[t] = s[t] + 1
    cute.arch.fence_proxy("async.shared", space="cta")
    cute.arch.barrier()
    if t == 0:
        cute.copy(store, s, cute.make_tensor(out, 128))
        cute.arch.cp_async_bulk_commit_group()
        cute.arch.cp_async_bulk_wait_group(0, read=True)
`,
    instructions: [
      'cp.async.bulk.shared::cluster.global',
      'cp.async.bulk.global.shared::cta',
      'cp.async.bulk.wait_group',
    ],
  },
  dependentLaunch: {
    ...DEFAULTS,
    hopper: true,
    body: `
    cute.arch.griddepcontrol_wait()
    cute.make_tensor(out, 32)[t] = cute.make_tensor(a, 32)[t]
    cute.arch.griddepcontrol_launch_dependents()
`,
    instructions: ['griddepcontrol.wait', 'griddepcontrol.launch_dependents'],
  },
} as const satisfies Record<string, ClassModule>;

export type ClassName = keyof typeof MODULES;
