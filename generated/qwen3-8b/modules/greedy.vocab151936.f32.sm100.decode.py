# greedy.vocab151936.f32.sm100.decode: rendered by rose-gen, do not edit
# 
# Greedy choice: where the largest logit of each row lies. Of equal ones the lower position wins; NaN counts
# as -inf; a row of nothing else gives 0 (drawing kernels give -1 there).
# 
# target: sm100, decode, dependent launch
# key: e36d517acada96b026b45d4a6c2ae71888317798b7f21a12f2935be1972ceb93
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 151936 elements a row, 8 at a time, 256 threads of each of 8 CTAs
# schedule: one pass over the row, of which nothing is kept
# schedule: 256 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import Float32, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.jit
def order_key(value: Float32, ascending: cutlass.Constexpr) -> Int32:
    # an integer of the same order: NaN above every number, -0 as 0
    bits = (value + Float32(0.0)).bitcast(Int32)
    key = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    key = Int32(cutlass.select_(value == value, key, Int32(0x7FC00000)))
    if cutlass.const_expr(ascending):
        key = key ^ -1
    return key


@cute.kernel
def kernel(
    logits_ptr: cute.Pointer,  # (rows, vocab=151936) f32
    token_ptr: cute.Pointer,  # (rows) i32, written
    rows: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    shared = cutlass.memory.SmemAllocator()
    s_argmax_best_key = shared.allocate_tensor(Int32, cute.make_layout(64), byte_alignment=16)
    s_argmax_at_found = shared.allocate_tensor(Int32, cute.make_layout(64), byte_alignment=16)
    # every CTA of the cluster runs: its shared memory may be written
    cute.arch.cluster_arrive()
    row = cta // 8
    argmax_best = Float32(float("-inf"))
    argmax_at = Int32(2147483647)
    # logits: (rows, vocab=151936) f32
    g_logits = cute.make_tensor(logits_ptr + cute.assume(Int64(row) * 151936 + Int64(cute.arch.block_idx_in_cluster() * 20480), divby=8), cute.make_layout((256, 8, 10), stride=(8, 1, 2048)))
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    for tile in cutlass.range(0, 20, 1, unroll=20):
        tile_or_first = Int32(cutlass.select_(cute.arch.block_idx_in_cluster() * 20480 + thread * 8 + tile * 2048 < 151936, Int32(tile), Int32(0)))
        r_value = cute.make_rmem_tensor((8,), Float32)
        r_value[None].store(cute.math.max(g_logits[thread, None, tile_or_first].load(), cute.full((8,), Float32(float("-inf")), Float32)))
        for element in cutlass.range_constexpr(8):
            candidate = r_value[element]
            if candidate > argmax_best:
                argmax_best = candidate
                argmax_at = cute.arch.block_idx_in_cluster() * 20480 + thread * 8 + tile_or_first * 2048 + element
    argmax_best_key = order_key(argmax_best, False)
    argmax_at_found = argmax_at
    argmax_best_key_most = cute.arch.warp_redux_sync(argmax_best_key, "max")
    argmax_at_found = cute.arch.warp_redux_sync(Int32(cutlass.select_(argmax_best_key == argmax_best_key_most, Int32(argmax_at_found), Int32(2147483647))), "min")
    argmax_best_key = argmax_best_key_most
    cute.arch.cluster_wait()
    if thread % 32 == 0:
        for peer in cutlass.range_constexpr(8):
            remote = cute.arch.map_dsmem_ptr(s_argmax_best_key.iterator + (cute.arch.block_idx_in_cluster() * 8 + thread // 32), Int32(peer))
            cute.arch.inline_ptx("st.shared::cluster.b32 [{$r0}], {$r1};", read_only_args=[remote.toint(), argmax_best_key])
        for peer in cutlass.range_constexpr(8):
            remote = cute.arch.map_dsmem_ptr(s_argmax_at_found.iterator + (cute.arch.block_idx_in_cluster() * 8 + thread // 32), Int32(peer))
            cute.arch.inline_ptx("st.shared::cluster.b32 [{$r0}], {$r1};", read_only_args=[remote.toint(), argmax_at_found])
    cute.arch.cluster_arrive()
    cute.arch.cluster_wait()
    argmax_best_key = Int32(-2147483648)
    argmax_at_found = Int32(2147483647)
    for part in cutlass.range_constexpr(2):
        argmax_best_key_other = s_argmax_best_key[thread % 32 + part * 32]
        argmax_at_found_other = s_argmax_at_found[thread % 32 + part * 32]
        if argmax_best_key_other > argmax_best_key or argmax_best_key_other == argmax_best_key and argmax_at_found_other < argmax_at_found:
            argmax_best_key = argmax_best_key_other
            argmax_at_found = argmax_at_found_other
    argmax_best_key_most_1 = cute.arch.warp_redux_sync(argmax_best_key, "max")
    argmax_at_found = cute.arch.warp_redux_sync(Int32(cutlass.select_(argmax_best_key == argmax_best_key_most_1, Int32(argmax_at_found), Int32(2147483647))), "min")
    argmax_best_key = argmax_best_key_most_1
    argmax = Int32(cutlass.select_(argmax_at_found == 2147483647, Int32(0), Int32(argmax_at_found)))
    # token: (rows) i32
    g_token = cute.make_tensor(token_ptr + Int64(row), cute.make_layout(1))
    if thread == 0 and cute.arch.block_idx_in_cluster() == 0:
        g_token[0] = argmax


@cute.jit
def launch(logits_ptr: cute.Pointer, token_ptr: cute.Pointer, rows: Int32, stream):
    kernel.set_name_prefix("greedy", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(logits_ptr, token_ptr, rows).launch(
        grid=(rows * 8, 1, 1), block=(256, 1, 1), cluster=(8, 1, 1), min_blocks_per_mp=5, preferred_smem_carveout=100, stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(Float32, 32),
        pointer(Int32, 4),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
