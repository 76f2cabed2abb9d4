# ragged_offsets.batch256.sm100.prefill: rendered by rose-gen, do not edit
# 
# Where each sequence of a ragged batch begins and ends, from its length. Slots without a sequence have length
# 0.
# 
# target: sm100, prefill, dependent launch
# key: d9a7d87627b66990d8c222096db40555f50bdc5c478498df8aa8d5703abb18f8
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 1 elements a row, 1 at a time, 1 threads a row
# schedule: 1024 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import Float32, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.jit
def warp_scan(value: Int32) -> Int32:
    # sum over the lanes of the warp up to this one
    for i in cutlass.range_constexpr(5):
        other = cute.arch.shuffle_sync_up(value, offset=1 << i)
        if cute.arch.lane_idx() >= (1 << i):
            value = value + other
    return value


@cute.kernel
def kernel(
    lengths_ptr: cute.Pointer,  # (batch=256) i32
    starts_ptr: cute.Pointer,  # (batch=256) i32, written
    ends_ptr: cute.Pointer,  # (batch=256) i32, written
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    shared = cutlass.memory.SmemAllocator()
    s_begin = shared.allocate_tensor(Int32, cute.make_layout(256), byte_alignment=16)
    s_begin_warps = shared.allocate_tensor(Int32, cute.make_layout(8), byte_alignment=16)
    tiles_a_cta = (1 + (cute.arch.grid_dim()[0] - 1)) // cute.arch.grid_dim()[0]
    first_tile = cta * tiles_a_cta
    warp_begin = first_tile * 1024 + thread // 32 * (tiles_a_cta * 32)
    own_begin = warp_begin + thread % 32
    own_end = cute.math.min(warp_begin + tiles_a_cta * 32, cute.math.min(first_tile * 1024 + tiles_a_cta * 1024, 1))
    warp = thread // 32
    position = thread
    own = 0
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    if position < 256:
        # lengths: (batch=256) i32
        g_lengths = cute.make_tensor(lengths_ptr + Int64(position), cute.make_layout(1))
        t = g_lengths[0]
        own = t
    up_to = warp_scan(own)
    if thread % 32 == 31 and warp < 8:
        s_begin_warps[warp] = up_to
    cute.arch.sync_threads()
    base = 0
    total = 0
    for each_warp in cutlass.range_constexpr(8):
        base = base + Int32(cutlass.select_(each_warp < warp, Int32(s_begin_warps[each_warp]), Int32(0)))
        total = total + s_begin_warps[each_warp]
    if position < 256:
        s_begin[position] = base + up_to - own
    cute.arch.sync_threads()
    if cta * 1024 + thread < 256:
        # starts: (batch=256) i32
        g_starts = cute.make_tensor(starts_ptr + (Int64(cta * 1024 + thread)), cute.make_layout(1))
        g_starts[0] = s_begin[cta * 1024 + thread]
        # ends: (batch=256) i32
        g_ends = cute.make_tensor(ends_ptr + (Int64(cta * 1024 + thread)), cute.make_layout(1))
        # lengths: (batch=256) i32
        g_lengths_1 = cute.make_tensor(lengths_ptr + (Int64(cta * 1024 + thread)), cute.make_layout(1))
        t_1 = g_lengths_1[0]
        g_ends[0] = s_begin[cta * 1024 + thread] + t_1
    for row_tile in cutlass.range(0, tiles_a_cta, 1):
        row = own_begin + row_tile * 32
        valid = row < 1


@cute.jit
def launch(lengths_ptr: cute.Pointer, starts_ptr: cute.Pointer, ends_ptr: cute.Pointer, stream):
    kernel.set_name_prefix("ragged_offsets", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(lengths_ptr, starts_ptr, ends_ptr).launch(
        grid=(1, 1, 1), block=(1024, 1, 1), min_blocks_per_mp=1, stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(Int32, 4),
        pointer(Int32, 4),
        pointer(Int32, 4),
        make_fake_stream(),
        options=options,
    )
