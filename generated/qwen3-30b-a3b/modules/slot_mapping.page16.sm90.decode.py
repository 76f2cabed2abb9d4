# slot_mapping.page16.sm90.decode: rendered by rose-gen, do not edit
# 
# The slot of each token in a paged KV cache, from its sequence, its position and the sequence's pages; -1
# where the table has none.
# Source: arXiv 2309.06180, section 4.3
# 
# target: sm90, decode, dependent launch
# key: 363512126a660b6a8323041441e4da7dae94d2c865a40c0d3b845d3aa056d36b
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 1 elements a row, 1 at a time, 1 threads a row
# schedule: 32 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.kernel
def kernel(
    sequence_ptr: cute.Pointer,  # (tokens) i32
    position_ptr: cute.Pointer,  # (tokens) i32
    block_table_ptr: cute.Pointer,  # (sequences, blocks) i32
    slot_ptr: cute.Pointer,  # (tokens) i64, written
    tokens: Int32,  # extent
    sequences: Int32,  # extent
    blocks: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    cute.arch.griddepcontrol_launch_dependents()
    row = cta * 32 + thread
    valid = row < tokens
    # position: (tokens) i32
    g_position = cute.make_tensor(position_ptr + Int64(row), cute.make_layout(1))
    position = 0
    # sequence: (tokens) i32
    g_sequence = cute.make_tensor(sequence_ptr + Int64(row), cute.make_layout(1))
    # slot: (tokens) i64
    g_slot = cute.make_tensor(slot_ptr + Int64(row), cute.make_layout(1))
    cute.arch.griddepcontrol_wait()
    if valid:
        position = g_position[0]
    sequence = 0
    if valid:
        sequence = g_sequence[0]
    block = position // 16
    # block_table: (sequences, blocks) i32
    g_block_table = cute.make_tensor(block_table_ptr + (Int64(sequence) * Int64(blocks) + Int64(block)), cute.make_layout(1))
    at = 0
    if valid and Int64(sequence) >= 0 and Int64(sequence) < Int64(sequences) and Int64(block) >= 0 and Int64(block) < Int64(blocks):
        at = g_block_table[0]
    held = sequence >= 0 and Int64(sequence) < Int64(sequences) and block >= 0 and Int64(block) < Int64(blocks)
    if valid:
        g_slot[0] = Int64(cutlass.select_(held and at >= 0, Int64(Int64(at) * Int64(16) + Int64(position % 16)), Int64(Int64(-1))))


@cute.jit
def launch(sequence_ptr: cute.Pointer, position_ptr: cute.Pointer, block_table_ptr: cute.Pointer, slot_ptr: cute.Pointer, tokens: Int32, sequences: Int32, blocks: Int32, stream):
    kernel.set_name_prefix("slot_mapping", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(sequence_ptr, position_ptr, block_table_ptr, slot_ptr, tokens, sequences, blocks).launch(
        grid=((tokens + 31) // 32, 1, 1), block=(32, 1, 1), stream=stream, use_pdl=True
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
        pointer(Int64, 8),
        Int32(1),
        Int32(1),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
