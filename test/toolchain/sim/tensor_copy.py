"""Loads boxes of a tensor, puts each thread's number over some elements and stores them: tensor copies both ways."""

import cutlass
import cutlass.cute as cute
from cutlass import Float32, Int32, Int64
from cutlass.cute.nvgpu import cpasync
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.kernel
def k(load: cute.CopyAtom, source: cute.Tensor, store: cute.CopyAtom, target: cute.Tensor):
    t, _, _ = cute.arch.thread_idx()
    bx, by, _ = cute.arch.block_idx()
    smem = cutlass.memory.SmemAllocator()
    s = smem.allocate_tensor(
        Float32, cute.make_layout((8, 32), stride=(32, 1)), byte_alignment=1024, swizzle=cute.make_swizzle(3, 4, 3)
    )
    bar = smem.allocate_array(Int64, 1)
    if t == 0:
        cute.arch.mbarrier_init(bar, 1)
        cute.arch.mbarrier_init_fence()
    cute.arch.barrier()
    g = cute.local_tile(source, (8, 32), (by, bx))
    o = cute.local_tile(target, (8, 32), (by, bx))
    ss, gs = cpasync.tma_partition(load, 0, cute.make_layout(1), cute.group_modes(s, 0, 2), cute.group_modes(g, 0, 2))
    so, go = cpasync.tma_partition(store, 0, cute.make_layout(1), cute.group_modes(s, 0, 2), cute.group_modes(o, 0, 2))
    with cute.arch.elect_one():
        cute.arch.mbarrier_arrive_and_expect_tx(bar, 8 * 32 * 4)
    cute.copy(load, gs, ss, tma_bar_ptr=bar)
    cute.arch.mbarrier_wait(bar, 0)
    s[t // 4, (t % 4) * 8] = Float32(t)
    cute.arch.fence_proxy("async.shared", space="cta")
    cute.arch.barrier()
    cute.copy(store, so, go)
    cute.arch.cp_async_bulk_commit_group()
    cute.arch.cp_async_bulk_wait_group(0, read=True)

k.set_name_prefix("k", remove_cutlass_symbol=True, keep_mangled_name=False)


@cute.jit
def launch(a: cute.Pointer, out: cute.Pointer, rows: Int32, stream: object):
    columns = 72
    source = cute.make_tensor(a, cute.make_layout((rows, columns), stride=(Int64(columns), 1)))
    target = cute.make_tensor(out, cute.make_layout((rows, columns), stride=(Int64(columns), 1)))
    plain = cute.make_layout((8, 32), stride=(32, 1))
    swizzled = cute.make_composed_layout(cute.make_swizzle(3, 4, 3), 0, plain)
    load, source_tma = cpasync.make_tiled_tma_atom(cpasync.CopyBulkTensorTileG2SOp(), source, swizzled, (8, 32))
    store, target_tma = cpasync.make_tiled_tma_atom(cpasync.CopyBulkTensorTileS2GOp(), target, swizzled, (8, 32))
    k(load, source_tma, store, target_tma).launch(grid=[3, 2, 1], block=[32, 1, 1], smem=4096, stream=stream)


def compile_kernel(options: str):
    pointer = make_ptr(Float32, 16, cute.AddressSpace.gmem, assumed_align=16)
    return cute.compile(launch, pointer, pointer, Int32(1), make_fake_stream(), options=options)
