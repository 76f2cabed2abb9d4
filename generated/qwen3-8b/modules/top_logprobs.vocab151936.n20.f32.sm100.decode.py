# top_logprobs.vocab151936.n20.f32.sm100.decode: rendered by rose-gen, do not edit
# 
# The n most likely tokens of each row, most likely first, and the logarithms of their probabilities: logit -
# max - log(sum of exp(logit - max)), where the largest logit's own 1 is left out of the sum, so that nothing
# is lost where it has nearly all of the probability. Of equal logits the lower token comes first; a NaN
# counts as the largest and makes the row's logarithms NaN.
# Source: the log-softmax of the n largest logits
# 
# target: sm100, decode, dependent launch
# key: c9457f84eac8d9f6b0412bed8aa351db19e9f363c885750e5f641ec0548f96f2
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 151936 elements a row, 4 at a time, 1024 threads of each of 1 CTAs
# schedule: each pass loads the row again: a batch of such rows stays in the L2 cache
# schedule: 1024 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import Float32, Int32, Int64, Uint32
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.jit
def fold_max(values: cute.TensorSSA, count: cutlass.Constexpr):
    # the second half on the first, again and again: a tree has fewer steps in a row than a chain
    parts = cute.make_rmem_tensor((count,), values.dtype)
    parts.store(values)
    while cutlass.const_expr(count > 1):
        half = (count + 1) // 2
        for i in cutlass.range_constexpr(count - half):
            parts[i] = cute.math.max(parts[i], parts[i + half], propagate_nan=True)
        count = half
    return parts[0]


@cute.jit
def fold_sum(values: cute.TensorSSA, count: cutlass.Constexpr):
    # the second half on the first, again and again: a tree has fewer steps in a row than a chain
    parts = cute.make_rmem_tensor((count,), values.dtype)
    parts.store(values)
    while cutlass.const_expr(count > 1):
        half = (count + 1) // 2
        for i in cutlass.range_constexpr(count - half):
            parts[i] = parts[i] + parts[i + half]
        count = half
    return parts[0]


@cute.jit
def gap_bin(key: Int32, top: Int32) -> Int32:
    # exponent and 6 bits of the mantissa of the gap in steps of 256; 127 << 6 is those of 1
    steps = Float32(((top - key) >> 8) & 0xFFFFFF)
    return 2047 - cute.math.max((steps.bitcast(Int32) >> 17) - 8127, 0)


@cute.jit
def gap_key(bin: Int32, top: Int32) -> Int32:
    # where the gap of the next bin begins, as whole steps
    steps = cute.math.min(Int32(Int32((2047 - bin + 8128) << 17).bitcast(Float32)), 0xFFFFFF)
    least = Int64(top) - (Int64(steps) * 256 + 255)
    return Int32(cute.math.max(least, Int64(-2147483648)))


@cute.jit
def iota(count: cutlass.Constexpr, dtype: cutlass.Constexpr):
    # 0, 1, ... count - 1
    positions = cute.make_rmem_tensor((count,), dtype)
    for i in cutlass.range_constexpr(count):
        positions[i] = dtype(i)
    return positions.load()


@cute.jit
def order_key(value: Float32, ascending: cutlass.Constexpr) -> Int32:
    # an integer of the same order: NaN above every number, -0 as 0
    bits = (value + Float32(0.0)).bitcast(Int32)
    key = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    key = Int32(cutlass.select_(value == value, key, Int32(0x7FC00000)))
    if cutlass.const_expr(ascending):
        key = key ^ -1
    return key


@cute.jit
def reduce_max(value: Float32, threads: cutlass.Constexpr, stride: cutlass.Constexpr) -> Float32:
    # butterfly over groups of `threads` lanes of a warp, `stride` lanes apart
    offset = threads * stride // 2
    while cutlass.const_expr(offset >= stride):
        other = cute.arch.shuffle_sync_bfly(value, offset=offset)
        value = cute.math.max(value, other, propagate_nan=True)
        offset = offset // 2
    return value


@cute.jit
def reduce_sum(value: Float32, threads: cutlass.Constexpr, stride: cutlass.Constexpr) -> Float32:
    # butterfly over groups of `threads` lanes of a warp, `stride` lanes apart
    offset = threads * stride // 2
    while cutlass.const_expr(offset >= stride):
        other = cute.arch.shuffle_sync_bfly(value, offset=offset)
        value = value + other
        offset = offset // 2
    return value


@cute.jit
def search_bins(bins: cute.Tensor, sums: cute.Tensor, found: cute.Tensor, phase: Int32, need: Int64, upper: cutlass.Constexpr, cluster: cutlass.Constexpr, threads: cutlass.Constexpr):
    # found: the bin, from the highest, in which the sum reaches need; the sum before it; its own, 0 where there is none
    thread = cute.arch.thread_idx()[0]
    warp = thread // 32
    lane = thread % 32
    per = 2048 // threads
    step = 4 if per >= 4 else 2
    if cutlass.const_expr(cluster > 1):
        cute.arch.cluster_arrive()
        cute.arch.cluster_wait()
    else:
        cute.arch.sync_threads()
    own = cute.make_rmem_tensor((per,), Int64)
    own.fill(0)
    low = 2048 - per * (thread + 1)
    for rank in cutlass.range_constexpr(cluster):
        for word in cutlass.range_constexpr(2 if upper > 0 else 1):
            shift = upper if word == 0 else 0
            for group in cutlass.range_constexpr(per // step):
                start = phase * 4096 + word * 2048 + low + group * step
                if cutlass.const_expr(cluster > 1):
                    peer = cute.arch.map_dsmem_ptr(bins.iterator + start, Int32(rank)).toint()
                    if cutlass.const_expr(step == 4):
                        a0, a1, a2, a3 = cute.arch.inline_ptx("ld.shared::cluster.v4.b32 {{$w0}, {$w1}, {$w2}, {$w3}}, [{$r0}];", write_only_types=[Int32, Int32, Int32, Int32], read_only_args=[peer])
                        part = [a0, a1, a2, a3]
                    else:
                        a0, a1 = cute.arch.inline_ptx("ld.shared::cluster.v2.b32 {{$w0}, {$w1}}, [{$r0}];", write_only_types=[Int32, Int32], read_only_args=[peer])
                        part = [a0, a1]
                else:
                    part = [bins[start + i] for i in range(step)]
                for i in cutlass.range_constexpr(step):
                    own[group * step + i] = own[group * step + i] + (Int64(Uint32(part[i])) << shift)
    sum = Int64(0)
    for i in cutlass.range_constexpr(per):
        sum = sum + own[i]
    inclusive = sum
    for i in cutlass.range_constexpr(5):
        other = cute.arch.shuffle_sync_up(inclusive, offset=1 << i)
        if lane >= (1 << i):
            inclusive = inclusive + other
    if lane == 31:
        sums[warp] = inclusive
    # the bins of the other phase have been read by all
    for i in cutlass.range_constexpr(4096 // threads):
        bins[(1 - phase) * 4096 + thread + i * threads] = 0
    cute.arch.sync_threads()
    before = inclusive - sum
    for w in cutlass.range_constexpr(threads // 32):
        if w < warp:
            before = before + sums[w]
    if thread == threads - 1:
        if before + sum < need:
            found[0] = 0
            found[1] = 0
            found[2] = 0
    for i in cutlass.range_constexpr(per):
        n = own[per - 1 - i]
        if before < need and need <= before + n:
            found[0] = Int64(low + per - 1 - i)
            found[1] = before
            found[2] = n
        before = before + n
    cute.arch.sync_threads()


@cute.kernel
def kernel(
    logits_ptr: cute.Pointer,  # (rows, vocab=151936) f32
    ids_ptr: cute.Pointer,  # (rows, n=20) i32, written
    logprobs_ptr: cute.Pointer,  # (rows, n=20) f32, written
    rows: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    shared = cutlass.memory.SmemAllocator()
    s_chosen_keys = shared.allocate_tensor(Int32, cute.make_layout(32), byte_alignment=16)
    s_chosen_places = shared.allocate_tensor(Int32, cute.make_layout(32), byte_alignment=16)
    s_argmax_best_key = shared.allocate_tensor(Int32, cute.make_layout(32), byte_alignment=16)
    s_argmax_at_found = shared.allocate_tensor(Int32, cute.make_layout(32), byte_alignment=16)
    s_bins = shared.allocate_tensor(Int32, cute.make_layout(8192), byte_alignment=16)
    s_sums = shared.allocate_tensor(Int64, cute.make_layout(32), byte_alignment=16)
    s_found = shared.allocate_tensor(Int64, cute.make_layout(4), byte_alignment=16)
    s_share = shared.allocate_tensor(Int64, cute.make_layout(2), byte_alignment=16)
    s_keys = shared.allocate_tensor(Int32, cute.make_layout(1024), byte_alignment=16)
    s_places = shared.allocate_tensor(Int32, cute.make_layout(1024), byte_alignment=16)
    s_count = shared.allocate_tensor(Int32, cute.make_layout(4), byte_alignment=16)
    s_top = shared.allocate_tensor(Int32, cute.make_layout(32), byte_alignment=16)
    s_chosen_taken = shared.allocate_tensor(Int32, cute.make_layout(4), byte_alignment=16)
    s_m = shared.allocate_tensor(Float32, cute.make_layout(32), byte_alignment=16)
    s_rest_1 = shared.allocate_tensor(Float32, cute.make_layout(32), byte_alignment=16)
    m = Float32(float("-inf"))
    argmax_best = Int32(-2147483648)
    argmax_at = Int32(2147483647)
    for rest in cutlass.range(20 + thread, 32, 1024):
        s_chosen_keys[rest] = -2147483648
        s_chosen_places[rest] = 2147483647
    cute.arch.sync_threads()
    largest_most = Int32(-2147483648)
    # logits: (rows, vocab=151936) f32
    g_logits = cute.make_tensor(logits_ptr + cute.assume(Int64(cta) * 151936, divby=4), cute.make_layout((1024, 4, 38), stride=(4, 1, 4096)))
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    for tile in cutlass.range(0, 40, 1, unroll=8):
        tile_or_first = Int32(cutlass.select_(thread * 4 + tile * 4096 < 151936, Int32(tile), Int32(0)))
        m = cute.math.max(m, fold_max(g_logits[thread, None, tile_or_first].load(), 4), propagate_nan=True)
        r_value = cute.make_rmem_tensor((4,), Float32)
        r_value[None].store(g_logits[thread, None, tile_or_first].load())
        for element in cutlass.range_constexpr(4):
            candidate = order_key(r_value[element], False)
            if candidate > argmax_best:
                argmax_best = candidate
                argmax_at = thread * 4 + tile_or_first * 4096 + element
        r_value_1 = cute.make_rmem_tensor((4,), Float32)
        r_value_1[None].store(g_logits[thread, None, tile_or_first].load())
        for element_1 in cutlass.range_constexpr(4):
            largest_most = cute.math.max(largest_most, order_key(r_value_1[element_1], False))
    argmax_best_key = argmax_best
    argmax_at_found = argmax_at
    argmax_best_key_most = cute.arch.warp_redux_sync(argmax_best_key, "max")
    argmax_at_found = cute.arch.warp_redux_sync(Int32(cutlass.select_(argmax_best_key == argmax_best_key_most, Int32(argmax_at_found), Int32(2147483647))), "min")
    argmax_best_key = argmax_best_key_most
    if thread % 32 == 0:
        s_argmax_best_key[thread // 32] = argmax_best_key
        s_argmax_at_found[thread // 32] = argmax_at_found
    cute.arch.sync_threads()
    argmax_best_key = Int32(-2147483648)
    argmax_at_found = Int32(2147483647)
    for part in cutlass.range_constexpr(1):
        argmax_best_key_other = s_argmax_best_key[thread % 32 + part * 32]
        argmax_at_found_other = s_argmax_at_found[thread % 32 + part * 32]
        if argmax_best_key_other > argmax_best_key or argmax_best_key_other == argmax_best_key and argmax_at_found_other < argmax_at_found:
            argmax_best_key = argmax_best_key_other
            argmax_at_found = argmax_at_found_other
    argmax_best_key_most_1 = cute.arch.warp_redux_sync(argmax_best_key, "max")
    argmax_at_found = cute.arch.warp_redux_sync(Int32(cutlass.select_(argmax_best_key == argmax_best_key_most_1, Int32(argmax_at_found), Int32(2147483647))), "min")
    argmax_best_key = argmax_best_key_most_1
    argmax = Int32(cutlass.select_(argmax_at_found == 2147483647, Int32(0), Int32(argmax_at_found)))
    phase = Int32(0)
    for part_1 in cutlass.range_constexpr(8):
        s_bins[thread + part_1 * 1024] = 0
    cute.arch.sync_threads()
    # elements in the list; more than it holds where the row has to be walked
    survivors = Int32(1025)
    # 1 where the list has all of the row, not of this CTA alone
    whole = Int32(0)
    survivors = Int32(1025)
    whole = Int32(0)
    # every element leads until a cut is found
    largest_key = Int32(-2147483648)
    largest_end = Int32(2147483647)
    if 20 > 0 and 20 < 151936:
        largest_key_1 = largest_most
        wanted = Int64(20)
        top = cute.arch.warp_redux_sync(largest_key_1, "max")
        if thread % 32 == 0:
            s_top[thread // 32] = top
        cute.arch.sync_threads()
        top = Int32(-2147483648)
        for part_2 in cutlass.range_constexpr(1):
            top = cute.math.max(top, s_top[thread % 32 + part_2 * 32])
        top = cute.arch.warp_redux_sync(top, "max")
        if largest_key_1 > -2147483648:
            cute.arch.atomic_add(s_bins.iterator + (phase * 4096 + gap_bin(largest_key_1, top)), Int32(1), sem="relaxed", scope="cta")
        search_bins(s_bins, s_sums, s_found, phase, wanted, 0, 1, 1024)
        phase = 1 - phase
        # as many elements as are wanted have keys from here on
        floor = Int32(cutlass.select_(s_found[2] > 0, Int32(gap_key(Int32(s_found[0]), top)), Int32(-2147483648)))
        if thread == 0:
            s_count[0] = 0
        cute.arch.sync_threads()
        if largest_key_1 >= floor:
            for tile in cutlass.range(0, 37, 1, unroll=4):
                r_value_2 = cute.make_rmem_tensor((4,), Float32)
                r_value_2[None].store(g_logits[thread, None, tile].load())
                for element_2 in cutlass.range_constexpr(4):
                    key = order_key(r_value_2[element_2], False)
                    if key >= floor:
                        slot = cute.arch.atomic_add(s_count.iterator + (0), Int32(1), sem="relaxed", scope="cta")
                        if slot < 1024:
                            s_keys[slot] = key
                            s_places[slot] = thread * 4 + tile * 4096 + element_2
            for tile in cutlass.range(37, 38, 1):
                if thread * 4 + tile * 4096 < 151936:
                    r_logits = cute.make_rmem_tensor((4,), Float32)
                    r_logits.fill(0)
                    if thread * 4 + tile * 4096 < 151936:
                        r_logits[None].store(g_logits[thread, None, tile].load())
                    r_value_3 = cute.make_rmem_tensor((4,), Float32)
                    r_value_3[None].store(r_logits[None].load())
                    for element_3 in cutlass.range_constexpr(4):
                        key_1 = order_key(r_value_3[element_3], False)
                        if key_1 >= floor:
                            slot_1 = cute.arch.atomic_add(s_count.iterator + (0), Int32(1), sem="relaxed", scope="cta")
                            if slot_1 < 1024:
                                s_keys[slot_1] = key_1
                                s_places[slot_1] = thread * 4 + tile * 4096 + element_3
        cute.arch.sync_threads()
        together = s_count[0]
        if together <= 128:
            if thread == 0:
                s_found[0] = Int64(0)
                s_found[1] = Int64(0)
                s_found[2] = Int64(0)
            cute.arch.sync_threads()
            for entry in cutlass.range(thread // 32, together, 32):
                own_key = s_keys[entry]
                own_place = s_places[entry]
                ahead = Int32(0)
                for other in cutlass.range(thread % 32, together, 32):
                    ahead = ahead + Int32(cutlass.select_(s_keys[other] > own_key or s_keys[other] == own_key and s_places[other] < own_place, Int32(1), Int32(0)))
                # of the entries ahead of this one
                before = Int64(cute.arch.warp_redux_sync(ahead, "add"))
                if thread % 32 == 0 and before < wanted and before + 1 >= wanted:
                    s_found[0] = Int64(own_key)
                    s_found[1] = Int64(own_place)
                    s_found[2] = Int64(1)
            cute.arch.sync_threads()
            largest_key = Int32(cutlass.select_(s_found[2] > 0, Int32(Int32(s_found[0])), Int32(-2147483648)))
            largest_end = Int32(cutlass.select_(s_found[2] > 0, Int32(Int32(s_found[1])), Int32(2147483647)))
            survivors = together
            whole = Int32(1)
        else:
            listed = s_count[0]
            inside = wanted + 1
            prefix = Int32(0)
            # bits of the word that are found already
            known = Int32(0)
            for digit in cutlass.range(0, 5, 1):
                if inside > wanted:
                    shift = cute.math.max(Int32(cutlass.select_(digit < 3, Int32(21), Int32(44))) - digit * 11, 0)
                    mask = Int32(cutlass.select_(digit == 2, Int32(1023), Int32(2047)))
                    if listed <= 1024:
                        for entry_1 in cutlass.range(thread, listed, 1024):
                            word = Int32(cutlass.select_(digit < 3, Int32(s_keys[entry_1] ^ -2147483648), Int32(4194303 - s_places[entry_1])))
                            if (digit < 3 or s_keys[entry_1] == largest_key) and (word ^ prefix) & known == 0:
                                cute.arch.atomic_add(s_bins.iterator + (phase * 4096 + (word >> (shift & 31) & mask)), Int32(1), sem="relaxed", scope="cta")
                    else:
                        for tile in cutlass.range(0, 38, 1):
                            if thread * 4 + tile * 4096 < 151936:
                                r_logits_1 = cute.make_rmem_tensor((4,), Float32)
                                r_logits_1.fill(0)
                                if thread * 4 + tile * 4096 < 151936:
                                    r_logits_1[None].store(g_logits[thread, None, tile].load())
                                r_value_4 = cute.make_rmem_tensor((4,), Float32)
                                r_value_4[None].store(r_logits_1[None].load())
                                for element_4 in cutlass.range_constexpr(4):
                                    key_2 = order_key(r_value_4[element_4], False)
                                    word_1 = Int32(cutlass.select_(digit < 3, Int32(key_2 ^ -2147483648), Int32(4194303 - (thread * 4 + tile * 4096 + element_4))))
                                    if (digit < 3 or key_2 == largest_key) and (word_1 ^ prefix) & known == 0:
                                        cute.arch.atomic_add(s_bins.iterator + (phase * 4096 + (word_1 >> (shift & 31) & mask)), Int32(1), sem="relaxed", scope="cta")
                    search_bins(s_bins, s_sums, s_found, phase, wanted, 0, 1, 1024)
                    phase = 1 - phase
                    prefix = prefix | Int32(s_found[0]) << (shift & 31)
                    wanted = wanted - s_found[1]
                    inside = s_found[2]
                    known = Int32(-1) << (shift & 31)
                    if digit < 3:
                        largest_key = Int32(cutlass.select_(inside > 0, Int32(prefix ^ -2147483648), Int32(-2147483648)))
                    else:
                        largest_end = Int32(cutlass.select_(inside > 0, Int32(4194303 - prefix), Int32(2147483647)))
                    # where not all elements with this key lead, the lower positions do
                    if digit == 2:
                        prefix = Int32(0)
                        known = Int32(0)
            survivors = s_count[0]
    if 20 <= 0:
        largest_key = 2147483647
        largest_end = -1
    if thread == 0:
        s_chosen_taken[0] = 0
    cute.arch.sync_threads()
    if survivors <= 1024:
        for entry_2 in cutlass.range(thread, survivors, 1024):
            if s_keys[entry_2] > largest_key or s_keys[entry_2] == largest_key and s_places[entry_2] <= largest_end:
                slot_2 = cute.arch.atomic_add(s_chosen_taken.iterator + (0), Int32(1), sem="relaxed", scope="cta")
                s_chosen_keys[slot_2] = s_keys[entry_2]
                s_chosen_places[slot_2] = s_places[entry_2]
    else:
        for tile in cutlass.range(0, 37, 1, unroll=4):
            r_value_5 = cute.make_rmem_tensor((4,), Float32)
            r_value_5[None].store(g_logits[thread, None, tile].load())
            for element_5 in cutlass.range_constexpr(4):
                key_3 = order_key(r_value_5[element_5], False)
                if key_3 > largest_key or key_3 == largest_key and thread * 4 + tile * 4096 + element_5 <= largest_end:
                    slot_3 = cute.arch.atomic_add(s_chosen_taken.iterator + (0), Int32(1), sem="relaxed", scope="cta")
                    s_chosen_keys[slot_3] = key_3
                    s_chosen_places[slot_3] = thread * 4 + tile * 4096 + element_5
        for tile in cutlass.range(37, 38, 1):
            if thread * 4 + tile * 4096 < 151936:
                r_logits_2 = cute.make_rmem_tensor((4,), Float32)
                r_logits_2.fill(0)
                if thread * 4 + tile * 4096 < 151936:
                    r_logits_2[None].store(g_logits[thread, None, tile].load())
                r_value_6 = cute.make_rmem_tensor((4,), Float32)
                r_value_6[None].store(r_logits_2[None].load())
                for element_6 in cutlass.range_constexpr(4):
                    key_4 = order_key(r_value_6[element_6], False)
                    if key_4 > largest_key or key_4 == largest_key and thread * 4 + tile * 4096 + element_6 <= largest_end:
                        slot_4 = cute.arch.atomic_add(s_chosen_taken.iterator + (0), Int32(1), sem="relaxed", scope="cta")
                        s_chosen_keys[slot_4] = key_4
                        s_chosen_places[slot_4] = thread * 4 + tile * 4096 + element_6
    cute.arch.sync_threads()
    # runs of 2, 4, 8, ... elements in order, every other one backwards
    for merge in cutlass.range(0, 5, 1):
        for back in cutlass.range(0, merge + 1, 1):
            reach = 1 << (merge - back & 31)
            if reach > 32 or reach == 32 and merge > 5:
                cute.arch.sync_threads()
            else:
                cute.arch.sync_warp()
            for pair in cutlass.range(thread, 16, 1024):
                low = 2 * pair - (pair & reach - 1)
                high = low + reach
                low_key = s_chosen_keys[low]
                high_key = s_chosen_keys[high]
                low_place = s_chosen_places[low]
                high_place = s_chosen_places[high]
                later = Int32(cutlass.select_(high_key > low_key or high_key == low_key and high_place < low_place, Int32(1), Int32(0)))
                backwards = low >> (merge + 1 & 31) & 1
                if later != backwards:
                    s_chosen_keys[low] = high_key
                    s_chosen_keys[high] = low_key
                    s_chosen_places[low] = high_place
                    s_chosen_places[high] = low_place
    cute.arch.sync_threads()
    r_chosen = cute.make_rmem_tensor((1,), Int32)
    r_chosen.fill(0)
    for register in cutlass.range_constexpr(1):
        if thread + register * 1024 < 20:
            r_chosen[0] = s_chosen_places[thread + register * 1024]
    m = reduce_max(m, 32, 1)
    if thread % 32 == 0:
        s_m[thread // 32] = m
    cute.arch.sync_threads()
    s_m_row = cute.make_tensor(s_m.iterator, cute.make_layout((1, 32), stride=(32, 1)))
    m = fold_max(s_m_row[0, None].load(), 32)
    rest_1 = Float32(0.0)
    for tile in cutlass.range(0, 37, 1, unroll=4):
        rest_1 = rest_1 + fold_sum(cute.where(iota(4, Int32) + cute.full((4,), thread * 4 + tile * 4096, Int32) == argmax, cute.full((4,), Float32(0.0), Float32), cute.math.exp(g_logits[thread, None, tile].load() - m)), 4)
    for tile in cutlass.range(37, 38, 1):
        r_logits_3 = cute.make_rmem_tensor((4,), Float32)
        r_logits_3.fill(0)
        if thread * 4 + tile * 4096 < 151936:
            r_logits_3[None].store(g_logits[thread, None, tile].load())
            rest_1 = rest_1 + fold_sum(cute.where(iota(4, Int32) + cute.full((4,), thread * 4 + tile * 4096, Int32) == argmax, cute.full((4,), Float32(0.0), Float32), cute.math.exp(r_logits_3[None].load() - m)), 4)
    rest_1 = reduce_sum(rest_1, 32, 1)
    if thread % 32 == 0:
        s_rest_1[thread // 32] = rest_1
    cute.arch.sync_threads()
    s_rest_1_row = cute.make_tensor(s_rest_1.iterator, cute.make_layout((1, 32), stride=(32, 1)))
    rest_1 = fold_sum(s_rest_1_row[0, None].load(), 32)
    # ids: (rows, n=20) i32
    g_ids = cute.make_tensor(ids_ptr + (Int64(cta) * 20), cute.make_layout((1024, 1), stride=(1, 0)))
    # logprobs: (rows, n=20) f32
    g_logprobs = cute.make_tensor(logprobs_ptr + (Int64(cta) * 20), cute.make_layout((1024, 1), stride=(1, 0)))
    total = Float32(cutlass.select_(rest_1 < 0.0078125, Float32(rest_1 * (1 - rest_1 * (0.5 - rest_1 * 0.333333343))), Float32(cute.math.log(1 + rest_1))))
    if thread < 20:
        g_ids[thread, None].store(r_chosen[None].load())
    r_logits_4 = cute.make_rmem_tensor((1,), Float32)
    r_logits_4.fill(0)
    r_index = cute.make_rmem_tensor((1,), Int32)
    r_index[None].store(r_chosen[None].load())
    for element_7 in cutlass.range_constexpr(1):
        if thread + element_7 < 20:
            # logits: (rows, vocab=151936) f32
            g_logits_1 = cute.make_tensor(logits_ptr + (Int64(cta) * 151936 + Int64(r_index[element_7])), cute.make_layout(1))
            r_logits_4[element_7] = g_logits_1[0]
    if thread < 20:
        g_logprobs[thread, None].store(r_logits_4[None].load() - m - total)


@cute.jit
def launch(logits_ptr: cute.Pointer, ids_ptr: cute.Pointer, logprobs_ptr: cute.Pointer, rows: Int32, stream):
    kernel.set_name_prefix("top_logprobs", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(logits_ptr, ids_ptr, logprobs_ptr, rows).launch(
        grid=(rows, 1, 1), block=(1024, 1, 1), min_blocks_per_mp=1, stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(Float32, 16),
        pointer(Int32, 4),
        pointer(Float32, 4),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
