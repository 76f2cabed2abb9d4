# sample_top_k_top_p.vocab151936.f32.sm90.prefill: rendered by rose-gen, do not edit
# 
# Draws a token of each row as `sample_temperature` does, from those alone that pass three filters, each row
# with settings of its own. top_k: the k largest logits, of equal ones the lower tokens; 0 or less keeps all.
# top_p: of those the shortest run, from the largest, whose probabilities reach the share p of theirs; 1 or
# more, and NaN, keeps all. Probabilities over that of the most likely token count in whole units of 2^-28, so
# that their sum is exact and the run the same whatever order they are added in. min_p: those at least p times
# as likely as the most likely one, which stays whatever p is: alone where p is above 1 or NaN, or with its
# equals. A row of which nothing is allowed gives -1, as there.
# Source: arXiv 1904.09751, section 3.1 (top_p); arXiv 1805.04833, section 5.4 (top_k); arXiv 2407.01082
# (min_p); penalties arXiv 1909.05858, section 4.1; Philox 4x32-10, doi 10.1145/2063384.2063405
# 
# target: sm90, prefill, dependent launch
# key: c04c6d187436fd88b615750cf7582a3d7f5a4e6125aea0c12419bfa553d83176
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 151936 elements a row, 4 at a time, 1024 threads of each of 2 CTAs
# schedule: each pass loads the row again: a batch of such rows stays in the L2 cache
# schedule: 1024 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import Boolean, Float32, Float64, Int32, Int64, Uint32, Uint64
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
def gather_list(count: cute.Tensor, parts, most: cutlass.Constexpr, cluster: cutlass.Constexpr, threads: cutlass.Constexpr) -> Int32:
    # the other CTAs' entries behind this one's own, where there are at most `most` of all; a run of threads takes those of one CTA
    thread = cute.arch.thread_idx()[0]
    rank = cute.arch.block_idx_in_cluster()
    run = threads // cluster
    from_ = thread // run
    cute.arch.cluster_arrive()
    cute.arch.cluster_wait()
    total = count[0]
    behind = total
    length = Int32(0)
    for step in cutlass.range_constexpr(1, cluster):
        peer = cute.arch.map_dsmem_ptr(count.iterator, (rank + step) % cluster).toint()
        entries = cute.arch.inline_ptx("ld.shared::cluster.b32 {$w0}, [{$r0}];", write_only_types=[Int32], read_only_args=[peer])
        if step < from_:
            behind = behind + entries
        if step == from_:
            length = entries
        total = total + entries
    if total <= most:
        for entry in cutlass.range(thread % run, length, run):
            for part in parts:
                peer = cute.arch.map_dsmem_ptr(part.iterator + entry, (rank + from_) % cluster).toint()
                part[behind + entry] = cute.arch.inline_ptx("ld.shared::cluster.b32 {$w0}, [{$r0}];", write_only_types=[Int32], read_only_args=[peer])
    cute.arch.sync_threads()
    return total


@cute.jit
def iota(count: cutlass.Constexpr, dtype: cutlass.Constexpr):
    # 0, 1, ... count - 1
    positions = cute.make_rmem_tensor((count,), dtype)
    for i in cutlass.range_constexpr(count):
        positions[i] = dtype(i)
    return positions.load()


@cute.jit
def key_number(key: Int32) -> Float32:
    # what order_key made it of
    return Int32(key ^ ((key >> 31) & 0x7FFFFFFF)).bitcast(Float32)


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
def order_keys(values, ascending: cutlass.Constexpr, count: cutlass.Constexpr):
    elements = cute.make_rmem_tensor((count,), Float32)
    elements.store(values)
    keys = cute.make_rmem_tensor((count,), Int32)
    for i in cutlass.range_constexpr(count):
        keys[i] = order_key(elements[i], ascending)
    return keys.load()


@cute.jit
def random_bits(start: Int32, seed: Int64, offset: Int64, count: cutlass.Constexpr):
    # word p % 4 of Philox 4x32-10 of the counter (p / 4, 0, offset) under the key seed, for count positions p from start on
    words = cute.make_rmem_tensor((count,), Int32)
    for group in cutlass.range_constexpr((count + 3) // 4):
        c0, c1, c2, c3 = Uint32(start // 4 + group), Uint32(0), Uint32(offset), Uint32(offset >> 32)
        k0, k1 = Uint32(seed), Uint32(seed >> 32)
        for _ in cutlass.range_constexpr(10):
            p0 = Uint64(c0) * Uint64(0xD2511F53)
            p1 = Uint64(c2) * Uint64(0xCD9E8D57)
            c0, c1, c2, c3 = Uint32(p1 >> 32) ^ c1 ^ k0, Uint32(p1), Uint32(p0 >> 32) ^ c3 ^ k1, Uint32(p0)
            k0 = k0 + Uint32(0x9E3779B9)
            k1 = k1 + Uint32(0xBB67AE85)
        four = [c0, c1, c2, c3]
        for i in cutlass.range_constexpr(4 if count >= 4 else count):
            if cutlass.const_expr(count >= 4):
                words[4 * group + i] = Int32(four[i])
            else:
                word = c0
                for j in cutlass.range_constexpr(1, 4):
                    word = Uint32(cutlass.select_(start % 4 + i == j, four[j], word))
                words[i] = Int32(word)
    return words.load()


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
def refined_rcp(x: Float32) -> Float32:
    # rcp.approx is up to 1 unit of the last place off
    y = cute.math.rcp(x, approx=True)
    better = cute.math.fma(y, cute.math.fma(-x, y, Float32(1.0)), y)
    # 0 and infinity have no better one
    return better if better == better else y


@cute.jit
def row_total(value: Int64, sums: cute.Tensor, share: cute.Tensor, cluster: cutlass.Constexpr, threads: cutlass.Constexpr) -> Int64:
    # over the warp, the CTA, the cluster
    thread = cute.arch.thread_idx()[0]
    for i in cutlass.range_constexpr(5):
        value = value + cute.arch.shuffle_sync_bfly(value, offset=16 >> i)
    if thread % 32 == 0:
        sums[thread // 32] = value
    cute.arch.sync_threads()
    total = Int64(0)
    for w in cutlass.range_constexpr(threads // 32):
        total = total + sums[w]
    if cutlass.const_expr(cluster > 1):
        if thread == 0:
            share[0] = total
        cute.arch.cluster_arrive()
        cute.arch.cluster_wait()
        total = Int64(0)
        for rank in cutlass.range_constexpr(cluster):
            peer = cute.arch.map_dsmem_ptr(share.iterator, Int32(rank)).toint()
            total = total + cute.arch.inline_ptx("ld.shared::cluster.b64 {$w0}, [{$r0}];", write_only_types=[Int64], read_only_args=[peer])
    return total


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


@cute.jit
def share_of(total: Int64, share: Float32) -> Int64:
    # rounded up, at least 1
    wanted = Float64(share) * Float64(total)
    need = Int64(wanted)
    if Float64(need) < wanted:
        need = need + 1
    if need < 1:
        need = Int64(1)
    return need


@cute.kernel
def kernel(
    logits_ptr: cute.Pointer,  # (rows, vocab=151936) f32
    temperature_ptr: cute.Pointer,  # (rows) f32
    top_k_ptr: cute.Pointer,  # (rows) i32
    top_p_ptr: cute.Pointer,  # (rows) f32
    min_p_ptr: cute.Pointer,  # (rows) f32
    seed_ptr: cute.Pointer,  # (rows) i64
    offset_ptr: cute.Pointer,  # (rows) i64
    token_ptr: cute.Pointer,  # (rows) i32, written
    rows: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    shared = cutlass.memory.SmemAllocator()
    s_m = shared.allocate_tensor(Float32, cute.make_layout(64), byte_alignment=16)
    s_bins = shared.allocate_tensor(Int32, cute.make_layout(8192), byte_alignment=16)
    s_sums = shared.allocate_tensor(Int64, cute.make_layout(32), byte_alignment=16)
    s_found = shared.allocate_tensor(Int64, cute.make_layout(4), byte_alignment=16)
    s_share = shared.allocate_tensor(Int64, cute.make_layout(2), byte_alignment=16)
    s_keys = shared.allocate_tensor(Int32, cute.make_layout(1024), byte_alignment=16)
    s_places = shared.allocate_tensor(Int32, cute.make_layout(1024), byte_alignment=16)
    s_masses = shared.allocate_tensor(Int32, cute.make_layout(1024), byte_alignment=16)
    s_count = shared.allocate_tensor(Int32, cute.make_layout(4), byte_alignment=16)
    s_best_best_key = shared.allocate_tensor(Int32, cute.make_layout(64), byte_alignment=16)
    s_best_at_found = shared.allocate_tensor(Int32, cute.make_layout(64), byte_alignment=16)
    # every CTA of the cluster runs: its shared memory may be written
    cute.arch.cluster_arrive()
    row = cta // 2
    m = Float32(float("-inf"))
    largest_most = Float32(float("-inf"))
    # logits: (rows, vocab=151936) f32
    g_logits = cute.make_tensor(logits_ptr + cute.assume(Int64(row) * 151936 + Int64(cute.arch.block_idx_in_cluster() * 77824), divby=4), cute.make_layout((1024, 4, 19), stride=(4, 1, 4096)))
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    for tile in cutlass.range(0, 20, 1, unroll=5):
        tile_or_first = Int32(cutlass.select_(cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936, Int32(tile), Int32(0)))
        h = cute.math.max(g_logits[thread, None, tile_or_first].load(), cute.full((4,), Float32(float("-inf")), Float32))
        m = cute.math.max(m, fold_max(h, 4), propagate_nan=True)
        r_value = cute.make_rmem_tensor((4,), Float32)
        r_value[None].store(h)
        for element in cutlass.range_constexpr(4):
            largest_most = cute.math.max(largest_most, r_value[element])
    m = reduce_max(m, 32, 1)
    cute.arch.cluster_wait()
    if thread % 32 == 0:
        for peer in cutlass.range_constexpr(2):
            remote = cute.arch.map_dsmem_ptr(s_m.iterator + (cute.arch.block_idx_in_cluster() * 32 + thread // 32), Int32(peer))
            cute.arch.inline_ptx("st.shared::cluster.f32 [{$r0}], {$r1};", read_only_args=[remote.toint(), m])
    cute.arch.cluster_arrive()
    cute.arch.cluster_wait()
    s_m_row = cute.make_tensor(s_m.iterator, cute.make_layout((1, 64), stride=(64, 1)))
    m = fold_max(s_m_row[0, None].load(), 64)
    # temperature: (rows) f32
    g_temperature = cute.make_tensor(temperature_ptr + Int64(row), cute.make_layout(1))
    t = g_temperature[0]
    warm = t >= 0.00001
    # top_k: (rows) i32
    g_top_k = cute.make_tensor(top_k_ptr + Int64(row), cute.make_layout(1))
    t_1 = g_top_k[0]
    need = Int32(cutlass.select_(warm and t_1 > 0, Int32(t_1), Int32(151936)))
    phase = Int32(0)
    for part in cutlass.range_constexpr(8):
        s_bins[thread + part * 1024] = 0
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
    if need > 0 and need < 151936:
        largest_key_1 = order_key(largest_most, False)
        wanted = Int64(need)
        top = order_key(m, False)
        if largest_key_1 > -2147483648:
            cute.arch.atomic_add(s_bins.iterator + (phase * 4096 + gap_bin(largest_key_1, top)), Int32(1), sem="relaxed", scope="cta")
        search_bins(s_bins, s_sums, s_found, phase, wanted, 0, 2, 1024)
        phase = 1 - phase
        # as many elements as are wanted have keys from here on
        floor = Int32(cutlass.select_(s_found[2] > 0, Int32(gap_key(Int32(s_found[0]), top)), Int32(-2147483648)))
        if thread == 0:
            s_count[0] = 0
        cute.arch.sync_threads()
        if largest_key_1 >= floor:
            for tile in cutlass.range(0, cute.math.max(cute.math.min((151936 - cute.arch.block_idx_in_cluster() * 77824) // 4096, 19), 0), 1, unroll=4):
                h_1 = cute.math.max(g_logits[thread, None, tile].load(), cute.full((4,), Float32(float("-inf")), Float32))
                r_value_1 = cute.make_rmem_tensor((4,), Float32)
                r_value_1[None].store(h_1)
                if order_key(cute.math.max(cute.math.max(cute.math.max(r_value_1[0], r_value_1[1]), r_value_1[2]), r_value_1[3]), False) >= floor:
                    for element_1 in cutlass.range_constexpr(4):
                        key = order_key(r_value_1[element_1], False)
                        if key >= floor:
                            slot = cute.arch.atomic_add(s_count.iterator + (0), Int32(1), sem="relaxed", scope="cta")
                            if slot < 1024:
                                s_keys[slot] = key
                                s_places[slot] = cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 + element_1
            for tile in cutlass.range(cute.math.max(cute.math.min((151936 - cute.arch.block_idx_in_cluster() * 77824) // 4096, 19), 0), 19, 1):
                if cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936:
                    r_logits = cute.make_rmem_tensor((4,), Float32)
                    r_logits.fill(0)
                    if cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936:
                        r_logits[None].store(g_logits[thread, None, tile].load())
                    h_2 = cute.math.max(r_logits[None].load(), cute.full((4,), Float32(float("-inf")), Float32))
                    r_value_2 = cute.make_rmem_tensor((4,), Float32)
                    r_value_2[None].store(h_2)
                    if order_key(cute.math.max(cute.math.max(cute.math.max(r_value_2[0], r_value_2[1]), r_value_2[2]), r_value_2[3]), False) >= floor:
                        for element_2 in cutlass.range_constexpr(4):
                            key_1 = order_key(r_value_2[element_2], False)
                            if key_1 >= floor:
                                slot_1 = cute.arch.atomic_add(s_count.iterator + (0), Int32(1), sem="relaxed", scope="cta")
                                if slot_1 < 1024:
                                    s_keys[slot_1] = key_1
                                    s_places[slot_1] = cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 + element_2
        cute.arch.sync_threads()
        together = gather_list(s_count, (s_keys, s_places), 128, 2, 1024)
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
                        for tile in cutlass.range(0, 19, 1):
                            if cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936:
                                r_logits_1 = cute.make_rmem_tensor((4,), Float32)
                                r_logits_1.fill(0)
                                if cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936:
                                    r_logits_1[None].store(g_logits[thread, None, tile].load())
                                h_3 = cute.math.max(r_logits_1[None].load(), cute.full((4,), Float32(float("-inf")), Float32))
                                r_value_3 = cute.make_rmem_tensor((4,), Float32)
                                r_value_3[None].store(h_3)
                                for element_3 in cutlass.range_constexpr(4):
                                    key_2 = order_key(r_value_3[element_3], False)
                                    word_1 = Int32(cutlass.select_(digit < 3, Int32(key_2 ^ -2147483648), Int32(4194303 - (cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 + element_3))))
                                    if (digit < 3 or key_2 == largest_key) and (word_1 ^ prefix) & known == 0:
                                        cute.arch.atomic_add(s_bins.iterator + (phase * 4096 + (word_1 >> (shift & 31) & mask)), Int32(1), sem="relaxed", scope="cta")
                    search_bins(s_bins, s_sums, s_found, phase, wanted, 0, 2, 1024)
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
    if need <= 0:
        largest_key = 2147483647
        largest_end = -1
    # top_p: (rows) f32
    g_top_p = cute.make_tensor(top_p_ptr + Int64(row), cute.make_layout(1))
    need_1 = Float32(cutlass.select_(warm, Float32(g_top_p[0]), Float32(Float32(1.0))))
    # every element leads until a cut is found
    nucleus_key = Int32(-2147483648)
    nucleus_end = Int32(2147483647)
    heat = Float32(cutlass.select_(warm, Float32(t), Float32(Float32(1.0))))
    t_5 = refined_rcp(heat)
    # seed: (rows) i64
    g_seed = cute.make_tensor(seed_ptr + Int64(row), cute.make_layout(1))
    seed = g_seed[0]
    # offset: (rows) i64
    g_offset = cute.make_tensor(offset_ptr + Int64(row), cute.make_layout(1))
    offset = g_offset[0]
    if need_1 < 1:
        mass_3 = Int64(0)
        if survivors <= 1024:
            for entry_2 in cutlass.range(thread, survivors, 1024):
                key_7 = s_keys[entry_2]
                place = s_places[entry_2]
                h_8 = key_number(key_7)
                first_4 = key_7 > largest_key or key_7 == largest_key and place <= largest_end
                t_15 = h_8 == m
                p_4 = cute.math.exp(Float32(cutlass.select_(t_15, Float32(Float32(0.0)), Float32((h_8 - m) * t_5))))
                mass_8 = cute.math.min(Int32(cute.math.min(cute.math.max(Float32(cutlass.select_(first_4, Float32(p_4), Float32(Float32(0.0)))), Float32(0.0)), Float32(1.0)) * 268435456), 268435455)
                s_masses[entry_2] = mass_8
                mass_3 = mass_3 + Int64(mass_8)
        else:
            for tile in cutlass.range(0, cute.math.max(cute.math.min((151936 - cute.arch.block_idx_in_cluster() * 77824) // 4096, 19), 0), 1, unroll=2):
                h_4 = cute.math.max(g_logits[thread, None, tile].load(), cute.full((4,), Float32(float("-inf")), Float32))
                r_value_4 = cute.make_rmem_tensor((4,), Float32)
                r_value_4[None].store(h_4)
                t_2 = order_keys(h_4, False, 4)
                t_3 = iota(4, Int32) + cute.full((4,), cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096, Int32)
                first = (t_2 > largest_key) | (t_2 == largest_key) & (t_3 <= largest_end)
                t_4 = h_4 == m
                p = cute.math.exp(cute.where(t_4, cute.full((4,), Float32(0.0), Float32), (h_4 - m) * t_5))
                r_value_5 = cute.make_rmem_tensor((4,), Float32)
                r_value_5[None].store(cute.where(first, p, cute.full((4,), Float32(0.0), Float32)))
                for element_4 in cutlass.range_constexpr(4):
                    key_3 = order_key(r_value_4[element_4], False)
                    mass_4 = cute.math.min(Int32(cute.math.min(cute.math.max(r_value_5[element_4], Float32(0.0)), Float32(1.0)) * 268435456), 268435455)
                    mass_3 = mass_3 + Int64(mass_4)
            for tile in cutlass.range(cute.math.max(cute.math.min((151936 - cute.arch.block_idx_in_cluster() * 77824) // 4096, 19), 0), 19, 1):
                if cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936:
                    r_logits_2 = cute.make_rmem_tensor((4,), Float32)
                    r_logits_2.fill(0)
                    if cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936:
                        r_logits_2[None].store(g_logits[thread, None, tile].load())
                    h_5 = cute.math.max(r_logits_2[None].load(), cute.full((4,), Float32(float("-inf")), Float32))
                    r_value_6 = cute.make_rmem_tensor((4,), Float32)
                    r_value_6[None].store(h_5)
                    t_6 = order_keys(h_5, False, 4)
                    t_7 = iota(4, Int32) + cute.full((4,), cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096, Int32)
                    first_1 = (t_6 > largest_key) | (t_6 == largest_key) & (t_7 <= largest_end)
                    t_8 = h_5 == m
                    p_1 = cute.math.exp(cute.where(t_8, cute.full((4,), Float32(0.0), Float32), (h_5 - m) * t_5))
                    r_value_7 = cute.make_rmem_tensor((4,), Float32)
                    r_value_7[None].store(cute.where(first_1, p_1, cute.full((4,), Float32(0.0), Float32)))
                    for element_5 in cutlass.range_constexpr(4):
                        key_4 = order_key(r_value_6[element_5], False)
                        mass_5 = cute.math.min(Int32(cute.math.min(cute.math.max(r_value_7[element_5], Float32(0.0)), Float32(1.0)) * 268435456), 268435455)
                        mass_3 = mass_3 + Int64(mass_5)
        total = Int64(0)
        if whole != 0:
            total_over = row_total(mass_3, s_sums, s_share, 1, 1024)
            total = total_over
        else:
            total_over_1 = row_total(mass_3, s_sums, s_share, 2, 1024)
            total = total_over_1
        wanted_1 = share_of(total, need_1)
        together_1 = survivors
        if whole == 0:
            if survivors > 1024:
                # lighter elements together weigh less than what is left over
                least = cute.math.max(Int32((total - wanted_1) // 151936), 1)
                if thread == 0:
                    s_count[0] = 0
                cute.arch.sync_threads()
                for tile in cutlass.range(0, cute.math.max(cute.math.min((151936 - cute.arch.block_idx_in_cluster() * 77824) // 4096, 19), 0), 1, unroll=2):
                    h_6 = cute.math.max(g_logits[thread, None, tile].load(), cute.full((4,), Float32(float("-inf")), Float32))
                    r_value_8 = cute.make_rmem_tensor((4,), Float32)
                    r_value_8[None].store(h_6)
                    t_9 = order_keys(h_6, False, 4)
                    t_10 = iota(4, Int32) + cute.full((4,), cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096, Int32)
                    first_2 = (t_9 > largest_key) | (t_9 == largest_key) & (t_10 <= largest_end)
                    t_11 = h_6 == m
                    p_2 = cute.math.exp(cute.where(t_11, cute.full((4,), Float32(0.0), Float32), (h_6 - m) * t_5))
                    r_value_9 = cute.make_rmem_tensor((4,), Float32)
                    r_value_9[None].store(cute.where(first_2, p_2, cute.full((4,), Float32(0.0), Float32)))
                    if cute.math.min(Int32(cute.math.min(cute.math.max(cute.math.max(cute.math.max(cute.math.max(r_value_9[0], r_value_9[1]), r_value_9[2]), r_value_9[3]), Float32(0.0)), Float32(1.0)) * 268435456), 268435455) >= least:
                        for element_6 in cutlass.range_constexpr(4):
                            key_5 = order_key(r_value_8[element_6], False)
                            mass_6 = cute.math.min(Int32(cute.math.min(cute.math.max(r_value_9[element_6], Float32(0.0)), Float32(1.0)) * 268435456), 268435455)
                            if mass_6 >= least:
                                slot_2 = cute.arch.atomic_add(s_count.iterator + (0), Int32(1), sem="relaxed", scope="cta")
                                if slot_2 < 1024:
                                    s_keys[slot_2] = key_5
                                    s_places[slot_2] = cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 + element_6
                                    s_masses[slot_2] = mass_6
                for tile in cutlass.range(cute.math.max(cute.math.min((151936 - cute.arch.block_idx_in_cluster() * 77824) // 4096, 19), 0), 19, 1):
                    if cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936:
                        r_logits_3 = cute.make_rmem_tensor((4,), Float32)
                        r_logits_3.fill(0)
                        if cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936:
                            r_logits_3[None].store(g_logits[thread, None, tile].load())
                        h_7 = cute.math.max(r_logits_3[None].load(), cute.full((4,), Float32(float("-inf")), Float32))
                        r_value_10 = cute.make_rmem_tensor((4,), Float32)
                        r_value_10[None].store(h_7)
                        t_12 = order_keys(h_7, False, 4)
                        t_13 = iota(4, Int32) + cute.full((4,), cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096, Int32)
                        first_3 = (t_12 > largest_key) | (t_12 == largest_key) & (t_13 <= largest_end)
                        t_14 = h_7 == m
                        p_3 = cute.math.exp(cute.where(t_14, cute.full((4,), Float32(0.0), Float32), (h_7 - m) * t_5))
                        r_value_11 = cute.make_rmem_tensor((4,), Float32)
                        r_value_11[None].store(cute.where(first_3, p_3, cute.full((4,), Float32(0.0), Float32)))
                        if cute.math.min(Int32(cute.math.min(cute.math.max(cute.math.max(cute.math.max(cute.math.max(r_value_11[0], r_value_11[1]), r_value_11[2]), r_value_11[3]), Float32(0.0)), Float32(1.0)) * 268435456), 268435455) >= least:
                            for element_7 in cutlass.range_constexpr(4):
                                key_6 = order_key(r_value_10[element_7], False)
                                mass_7 = cute.math.min(Int32(cute.math.min(cute.math.max(r_value_11[element_7], Float32(0.0)), Float32(1.0)) * 268435456), 268435455)
                                if mass_7 >= least:
                                    slot_3 = cute.arch.atomic_add(s_count.iterator + (0), Int32(1), sem="relaxed", scope="cta")
                                    if slot_3 < 1024:
                                        s_keys[slot_3] = key_6
                                        s_places[slot_3] = cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 + element_7
                                        s_masses[slot_3] = mass_7
                cute.arch.sync_threads()
            gathered = gather_list(s_count, (s_keys, s_places, s_masses), 128, 2, 1024)
            together_1 = gathered
        if together_1 <= 128:
            if thread == 0:
                s_found[0] = Int64(0)
                s_found[1] = Int64(0)
                s_found[2] = Int64(0)
            cute.arch.sync_threads()
            for entry_3 in cutlass.range(thread // 32, together_1, 32):
                own_key_1 = s_keys[entry_3]
                own_place_1 = s_places[entry_3]
                ahead_1 = Int32(0)
                ahead_2 = Int32(0)
                for other_1 in cutlass.range(thread % 32, together_1, 32):
                    ahead_1 = ahead_1 + Int32(cutlass.select_(s_keys[other_1] > own_key_1 or s_keys[other_1] == own_key_1 and s_places[other_1] < own_place_1, Int32(s_masses[other_1] >> 14), Int32(0)))
                    ahead_2 = ahead_2 + Int32(cutlass.select_(s_keys[other_1] > own_key_1 or s_keys[other_1] == own_key_1 and s_places[other_1] < own_place_1, Int32(s_masses[other_1] & 16383), Int32(0)))
                # of the entries ahead of this one
                before_1 = (Int64(cute.arch.warp_redux_sync(ahead_1, "add")) << 14) + Int64(cute.arch.warp_redux_sync(ahead_2, "add"))
                if thread % 32 == 0 and before_1 < wanted_1 and before_1 + Int64(s_masses[entry_3]) >= wanted_1:
                    s_found[0] = Int64(own_key_1)
                    s_found[1] = Int64(own_place_1)
                    s_found[2] = Int64(1)
            cute.arch.sync_threads()
            nucleus_key = Int32(cutlass.select_(s_found[2] > 0, Int32(Int32(s_found[0])), Int32(-2147483648)))
            nucleus_end = Int32(cutlass.select_(s_found[2] > 0, Int32(Int32(s_found[1])), Int32(2147483647)))
            if s_found[2] > 0:
                survivors = together_1
                whole = Int32(1)
        else:
            listed_1 = s_count[0]
            inside_1 = wanted_1 + 1
            prefix_1 = Int32(0)
            # bits of the word that are found already
            known_1 = Int32(0)
            for digit_1 in cutlass.range(0, 5, 1):
                if digit_1 < 3 or inside_1 > wanted_1 or nucleus_end != 2147483647:
                    shift_1 = cute.math.max(Int32(cutlass.select_(digit_1 < 3, Int32(21), Int32(44))) - digit_1 * 11, 0)
                    mask_1 = Int32(cutlass.select_(digit_1 == 2, Int32(1023), Int32(2047)))
                    if listed_1 <= 1024:
                        for entry_4 in cutlass.range(thread, listed_1, 1024):
                            word_2 = Int32(cutlass.select_(digit_1 < 3, Int32(s_keys[entry_4] ^ -2147483648), Int32(4194303 - s_places[entry_4])))
                            if (digit_1 < 3 or s_keys[entry_4] == nucleus_key) and (word_2 ^ prefix_1) & known_1 == 0:
                                cute.arch.atomic_add(s_bins.iterator + (phase * 4096 + (word_2 >> (shift_1 & 31) & mask_1)), Int32(s_masses[entry_4] >> 14), sem="relaxed", scope="cta")
                                cute.arch.atomic_add(s_bins.iterator + (phase * 4096 + (word_2 >> (shift_1 & 31) & mask_1) + 2048), Int32(s_masses[entry_4] & 16383), sem="relaxed", scope="cta")
                    else:
                        for tile in cutlass.range(0, 19, 1):
                            if cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936:
                                r_logits_4 = cute.make_rmem_tensor((4,), Float32)
                                r_logits_4.fill(0)
                                if cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936:
                                    r_logits_4[None].store(g_logits[thread, None, tile].load())
                                h_9 = cute.math.max(r_logits_4[None].load(), cute.full((4,), Float32(float("-inf")), Float32))
                                r_value_12 = cute.make_rmem_tensor((4,), Float32)
                                r_value_12[None].store(h_9)
                                t_16 = order_keys(h_9, False, 4)
                                t_17 = iota(4, Int32) + cute.full((4,), cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096, Int32)
                                first_5 = (t_16 > largest_key) | (t_16 == largest_key) & (t_17 <= largest_end)
                                t_18 = h_9 == m
                                p_5 = cute.math.exp(cute.where(t_18, cute.full((4,), Float32(0.0), Float32), (h_9 - m) * t_5))
                                r_value_13 = cute.make_rmem_tensor((4,), Float32)
                                r_value_13[None].store(cute.where(first_5, p_5, cute.full((4,), Float32(0.0), Float32)))
                                for element_8 in cutlass.range_constexpr(4):
                                    key_8 = order_key(r_value_12[element_8], False)
                                    mass_9 = cute.math.min(Int32(cute.math.min(cute.math.max(r_value_13[element_8], Float32(0.0)), Float32(1.0)) * 268435456), 268435455)
                                    word_3 = Int32(cutlass.select_(digit_1 < 3, Int32(key_8 ^ -2147483648), Int32(4194303 - (cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 + element_8))))
                                    if (digit_1 < 3 or key_8 == nucleus_key) and (word_3 ^ prefix_1) & known_1 == 0:
                                        cute.arch.atomic_add(s_bins.iterator + (phase * 4096 + (word_3 >> (shift_1 & 31) & mask_1)), Int32(mass_9 >> 14), sem="relaxed", scope="cta")
                                        cute.arch.atomic_add(s_bins.iterator + (phase * 4096 + (word_3 >> (shift_1 & 31) & mask_1) + 2048), Int32(mass_9 & 16383), sem="relaxed", scope="cta")
                    search_bins(s_bins, s_sums, s_found, phase, wanted_1, 14, 2, 1024)
                    phase = 1 - phase
                    prefix_1 = prefix_1 | Int32(s_found[0]) << (shift_1 & 31)
                    wanted_1 = wanted_1 - s_found[1]
                    inside_1 = s_found[2]
                    known_1 = Int32(-1) << (shift_1 & 31)
                    if digit_1 < 3:
                        nucleus_key = Int32(cutlass.select_(inside_1 > 0, Int32(prefix_1 ^ -2147483648), Int32(-2147483648)))
                    else:
                        nucleus_end = Int32(cutlass.select_(inside_1 > 0, Int32(4194303 - prefix_1), Int32(2147483647)))
                    # where not all elements with this key lead, the lower positions do
                    if digit_1 == 2:
                        prefix_1 = Int32(0)
                        known_1 = Int32(0)
            if s_found[2] > 0:
                survivors = s_count[0]
    best_best = Float32(float("-inf"))
    best_at = Int32(2147483647)
    # min_p: (rows) f32
    g_min_p = cute.make_tensor(min_p_ptr + Int64(row), cute.make_layout(1))
    min_p = g_min_p[0]
    if survivors <= 1024:
        for entry_5 in cutlass.range(thread, survivors, 1024):
            key_9 = s_keys[entry_5]
            place_1 = s_places[entry_5]
            h_10 = key_number(key_9)
            first_6 = key_9 > largest_key or key_9 == largest_key and place_1 <= largest_end
            likely = key_9 > nucleus_key or key_9 == nucleus_key and place_1 <= nucleus_end
            t_19 = h_10 == m
            p_6 = cute.math.exp(Float32(cutlass.select_(t_19, Float32(Float32(0.0)), Float32((h_10 - m) * t_5))))
            kept = first_6 and likely and (t_19 or p_6 >= min_p)
            if kept:
                u = Float32(random_bits(place_1, seed, offset, 1)[0] & 2147483647) * 4.656612873077393e-10 + 2.3283064365386963e-10
                e = Float32(cutlass.select_(u < 0.0078125, Float32(u * (1 + u * (0.5 + u * 0.333333343))), Float32(-cute.math.log(cute.math.max(1 - u, Float32(2.98023224e-8))))))
                score = Float32(cutlass.select_(warm, Float32(h_10 * t_5 - cute.math.log(e)), Float32(h_10)))
                if kept:
                    candidate = cute.math.max(score, Float32(float("-inf")))
                    if candidate > best_best or candidate == best_best and (place_1 < best_at and best_at != 2147483647):
                        best_best = candidate
                        best_at = place_1
    else:
        for tile in cutlass.range(0, 19, 1):
            if cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936:
                r_logits_5 = cute.make_rmem_tensor((4,), Float32)
                r_logits_5.fill(0)
                if cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 < 151936:
                    r_logits_5[None].store(g_logits[thread, None, tile].load())
                h_11 = cute.math.max(r_logits_5[None].load(), cute.full((4,), Float32(float("-inf")), Float32))
                t_20 = order_keys(h_11, False, 4)
                t_21 = iota(4, Int32) + cute.full((4,), cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096, Int32)
                first_7 = (t_20 > largest_key) | (t_20 == largest_key) & (t_21 <= largest_end)
                likely_1 = (t_20 > nucleus_key) | (t_20 == nucleus_key) & (t_21 <= nucleus_end)
                t_22 = h_11 == m
                p_7 = cute.math.exp(cute.where(t_22, cute.full((4,), Float32(0.0), Float32), (h_11 - m) * t_5))
                kept_1 = first_7 & likely_1 & (t_22 | (p_7 >= min_p))
                r_kept = cute.make_rmem_tensor((4,), Int32)
                r_kept[None].store(cute.where(kept_1, cute.full((4,), Int32(1), Int32), cute.full((4,), Int32(0), Int32)))
                if r_kept[0] != 0 or r_kept[1] != 0 or r_kept[2] != 0 or r_kept[3] != 0:
                    u_1 = (random_bits(cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096, seed, offset, 4) & 2147483647).to(Float32) * 4.656612873077393e-10 + 2.3283064365386963e-10
                    e_1 = cute.where(u_1 < 0.0078125, u_1 * (1 + u_1 * (0.5 + u_1 * 0.333333343)), -cute.math.log(cute.math.max(1 - u_1, cute.full((4,), Float32(2.98023224e-8), Float32)), fastmath=True))
                    score_1 = cute.where(cute.full((4,), warm, Boolean), h_11 * t_5 - cute.math.log(e_1, fastmath=True), h_11)
                    r_value_14 = cute.make_rmem_tensor((4,), Float32)
                    r_value_14[None].store(cute.math.max(score_1, cute.full((4,), Float32(float("-inf")), Float32)))
                    for element_9 in cutlass.range_constexpr(4):
                        if r_kept[element_9] != 0:
                            candidate_1 = r_value_14[element_9]
                            if candidate_1 > best_best:
                                best_best = candidate_1
                                best_at = cute.arch.block_idx_in_cluster() * 77824 + thread * 4 + tile * 4096 + element_9
    best_best_key = order_key(best_best, False)
    best_at_found = best_at
    best_best_key_most = cute.arch.warp_redux_sync(best_best_key, "max")
    best_at_found = cute.arch.warp_redux_sync(Int32(cutlass.select_(best_best_key == best_best_key_most, Int32(best_at_found), Int32(2147483647))), "min")
    best_best_key = best_best_key_most
    if thread % 32 == 0:
        for peer in cutlass.range_constexpr(2):
            remote = cute.arch.map_dsmem_ptr(s_best_best_key.iterator + (cute.arch.block_idx_in_cluster() * 32 + thread // 32), Int32(peer))
            cute.arch.inline_ptx("st.shared::cluster.b32 [{$r0}], {$r1};", read_only_args=[remote.toint(), best_best_key])
        for peer in cutlass.range_constexpr(2):
            remote = cute.arch.map_dsmem_ptr(s_best_at_found.iterator + (cute.arch.block_idx_in_cluster() * 32 + thread // 32), Int32(peer))
            cute.arch.inline_ptx("st.shared::cluster.b32 [{$r0}], {$r1};", read_only_args=[remote.toint(), best_at_found])
    cute.arch.cluster_arrive()
    cute.arch.cluster_wait()
    best_best_key = Int32(-2147483648)
    best_at_found = Int32(2147483647)
    for part_1 in cutlass.range_constexpr(2):
        best_best_key_other = s_best_best_key[thread % 32 + part_1 * 32]
        best_at_found_other = s_best_at_found[thread % 32 + part_1 * 32]
        if best_best_key_other > best_best_key or best_best_key_other == best_best_key and best_at_found_other < best_at_found:
            best_best_key = best_best_key_other
            best_at_found = best_at_found_other
    best_best_key_most_1 = cute.arch.warp_redux_sync(best_best_key, "max")
    best_at_found = cute.arch.warp_redux_sync(Int32(cutlass.select_(best_best_key == best_best_key_most_1, Int32(best_at_found), Int32(2147483647))), "min")
    best_best_key = best_best_key_most_1
    best = Int32(cutlass.select_(best_at_found == 2147483647, Int32(0), Int32(best_at_found)))
    # token: (rows) i32
    g_token = cute.make_tensor(token_ptr + Int64(row), cute.make_layout(1))
    if thread == 0 and cute.arch.block_idx_in_cluster() == 0:
        g_token[0] = Int32(cutlass.select_(m > float("-inf"), Int32(best), Int32(-1)))


@cute.jit
def launch(logits_ptr: cute.Pointer, temperature_ptr: cute.Pointer, top_k_ptr: cute.Pointer, top_p_ptr: cute.Pointer, min_p_ptr: cute.Pointer, seed_ptr: cute.Pointer, offset_ptr: cute.Pointer, token_ptr: cute.Pointer, rows: Int32, stream):
    kernel.set_name_prefix("sample_top_k_top_p", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(logits_ptr, temperature_ptr, top_k_ptr, top_p_ptr, min_p_ptr, seed_ptr, offset_ptr, token_ptr, rows).launch(
        grid=(rows * 2, 1, 1), block=(1024, 1, 1), cluster=(2, 1, 1), min_blocks_per_mp=1, stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(Float32, 16),
        pointer(Float32, 4),
        pointer(Int32, 4),
        pointer(Float32, 4),
        pointer(Float32, 4),
        pointer(Int64, 8),
        pointer(Int64, 8),
        pointer(Int32, 4),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
