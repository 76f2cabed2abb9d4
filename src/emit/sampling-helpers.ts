/** Helpers of rendered modules: random bits, and the search of a cluster's bins and lists. */

import type { Imports } from './imports.js';

/** 10 rounds of Philox 4x32 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3; SC11) for 4 positions at a time. */
export function randomBits(imports: Imports): string {
  const [i32, i64, u32, u64] = ['Int32', 'Int64', 'Uint32', 'Uint64'].map((name) => imports.use(name));
  return [
    '@cute.jit',
    `def random_bits(start: ${i32}, seed: ${i64}, offset: ${i64}, count: cutlass.Constexpr):`,
    '    # word p % 4 of Philox 4x32-10 of the counter (p / 4, 0, offset) under the key seed, for count positions p from start on',
    `    words = cute.make_rmem_tensor((count,), ${i32})`,
    '    for group in cutlass.range_constexpr((count + 3) // 4):',
    `        c0, c1, c2, c3 = ${u32}(start // 4 + group), ${u32}(0), ${u32}(offset), ${u32}(offset >> 32)`,
    `        k0, k1 = ${u32}(seed), ${u32}(seed >> 32)`,
    '        for _ in cutlass.range_constexpr(10):',
    `            p0 = ${u64}(c0) * ${u64}(0xD2511F53)`,
    `            p1 = ${u64}(c2) * ${u64}(0xCD9E8D57)`,
    `            c0, c1, c2, c3 = ${u32}(p1 >> 32) ^ c1 ^ k0, ${u32}(p1), ${u32}(p0 >> 32) ^ c3 ^ k1, ${u32}(p0)`,
    `            k0 = k0 + ${u32}(0x9E3779B9)`,
    `            k1 = k1 + ${u32}(0xBB67AE85)`,
    '        four = [c0, c1, c2, c3]',
    '        for i in cutlass.range_constexpr(4 if count >= 4 else count):',
    '            if cutlass.const_expr(count >= 4):',
    `                words[4 * group + i] = ${i32}(four[i])`,
    '            else:',
    '                word = c0',
    '                for j in cutlass.range_constexpr(1, 4):',
    `                    word = ${u32}(cutlass.select_(start % 4 + i == j, four[j], word))`,
    `                words[i] = ${i32}(word)`,
    '    return words.load()',
  ].join('\n');
}

export function shareOf(imports: Imports): string {
  const [f32, f64, i64] = ['Float32', 'Float64', 'Int64'].map((name) => imports.use(name));
  return [
    '@cute.jit',
    `def share_of(total: ${i64}, share: ${f32}) -> ${i64}:`,
    '    # rounded up, at least 1',
    `    wanted = ${f64}(share) * ${f64}(total)`,
    `    need = ${i64}(wanted)`,
    `    if ${f64}(need) < wanted:`,
    '        need = need + 1',
    '    if need < 1:',
    `        need = ${i64}(1)`,
    '    return need',
  ].join('\n');
}

/** Waits for all threads of a row: those of the cluster where it is one. */
const MEET = [
  '    if cutlass.const_expr(cluster > 1):',
  '        cute.arch.cluster_arrive()',
  '        cute.arch.cluster_wait()',
  '    else:',
  '        cute.arch.sync_threads()',
];

export function rowTotal(imports: Imports): string {
  const [i32, i64] = ['Int32', 'Int64'].map((name) => imports.use(name));
  return [
    '@cute.jit',
    `def row_total(value: ${i64}, sums: cute.Tensor, share: cute.Tensor, cluster: cutlass.Constexpr, threads: cutlass.Constexpr) -> ${i64}:`,
    '    # over the warp, the CTA, the cluster',
    '    thread = cute.arch.thread_idx()[0]',
    '    for i in cutlass.range_constexpr(5):',
    '        value = value + cute.arch.shuffle_sync_bfly(value, offset=16 >> i)',
    '    if thread % 32 == 0:',
    '        sums[thread // 32] = value',
    '    cute.arch.sync_threads()',
    `    total = ${i64}(0)`,
    '    for w in cutlass.range_constexpr(threads // 32):',
    '        total = total + sums[w]',
    '    if cutlass.const_expr(cluster > 1):',
    '        if thread == 0:',
    '            share[0] = total',
    '        cute.arch.cluster_arrive()',
    '        cute.arch.cluster_wait()',
    `        total = ${i64}(0)`,
    '        for rank in cutlass.range_constexpr(cluster):',
    `            peer = cute.arch.map_dsmem_ptr(share.iterator, ${i32}(rank)).toint()`,
    `            total = total + cute.arch.inline_ptx("ld.shared::cluster.b64 {$w0}, [{$r0}];", write_only_types=[${i64}], read_only_args=[peer])`,
    '    return total',
  ].join('\n');
}

export function searchBins(imports: Imports): string {
  const [i32, i64, u32] = ['Int32', 'Int64', 'Uint32'].map((name) => imports.use(name));
  const list = (count: number, item: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => item(i));
  const vector = (width: number): string => {
    const outs = list(width, (i) => `{$w${i}}`).join(', ');
    const types = list(width, () => i32!).join(', ');
    return `cute.arch.inline_ptx("ld.shared::cluster.v${width}.b32 {${outs}}, [{$r0}];", write_only_types=[${types}], read_only_args=[peer])`;
  };
  return [
    '@cute.jit',
    `def search_bins(bins: cute.Tensor, sums: cute.Tensor, found: cute.Tensor, phase: ${i32}, need: ${i64}, upper: cutlass.Constexpr, cluster: cutlass.Constexpr, threads: cutlass.Constexpr):`,
    '    # found: the bin, from the highest, in which the sum reaches need; the sum before it; its own, 0 where there is none',
    '    thread = cute.arch.thread_idx()[0]',
    '    warp = thread // 32',
    '    lane = thread % 32',
    '    per = 2048 // threads',
    '    step = 4 if per >= 4 else 2',
    ...MEET,
    `    own = cute.make_rmem_tensor((per,), ${i64})`,
    '    own.fill(0)',
    '    low = 2048 - per * (thread + 1)',
    '    for rank in cutlass.range_constexpr(cluster):',
    '        for word in cutlass.range_constexpr(2 if upper > 0 else 1):',
    '            shift = upper if word == 0 else 0',
    '            for group in cutlass.range_constexpr(per // step):',
    '                start = phase * 4096 + word * 2048 + low + group * step',
    '                if cutlass.const_expr(cluster > 1):',
    `                    peer = cute.arch.map_dsmem_ptr(bins.iterator + start, ${i32}(rank)).toint()`,
    '                    if cutlass.const_expr(step == 4):',
    `                        a0, a1, a2, a3 = ${vector(4)}`,
    '                        part = [a0, a1, a2, a3]',
    '                    else:',
    `                        a0, a1 = ${vector(2)}`,
    '                        part = [a0, a1]',
    '                else:',
    '                    part = [bins[start + i] for i in range(step)]',
    '                for i in cutlass.range_constexpr(step):',
    `                    own[group * step + i] = own[group * step + i] + (${i64}(${u32}(part[i])) << shift)`,
    `    sum = ${i64}(0)`,
    '    for i in cutlass.range_constexpr(per):',
    '        sum = sum + own[i]',
    '    inclusive = sum',
    '    for i in cutlass.range_constexpr(5):',
    '        other = cute.arch.shuffle_sync_up(inclusive, offset=1 << i)',
    '        if lane >= (1 << i):',
    '            inclusive = inclusive + other',
    '    if lane == 31:',
    '        sums[warp] = inclusive',
    '    # the bins of the other phase have been read by all',
    '    for i in cutlass.range_constexpr(4096 // threads):',
    '        bins[(1 - phase) * 4096 + thread + i * threads] = 0',
    '    cute.arch.sync_threads()',
    '    before = inclusive - sum',
    '    for w in cutlass.range_constexpr(threads // 32):',
    '        if w < warp:',
    '            before = before + sums[w]',
    '    if thread == threads - 1:',
    '        if before + sum < need:',
    '            found[0] = 0',
    '            found[1] = 0',
    '            found[2] = 0',
    '    for i in cutlass.range_constexpr(per):',
    '        n = own[per - 1 - i]',
    '        if before < need and need <= before + n:',
    `            found[0] = ${i64}(low + per - 1 - i)`,
    '            found[1] = before',
    '            found[2] = n',
    '        before = before + n',
    '    cute.arch.sync_threads()',
  ].join('\n');
}

export function gapBin(imports: Imports): string {
  const [f32, i32] = ['Float32', 'Int32'].map((name) => imports.use(name));
  return [
    '@cute.jit',
    `def gap_bin(key: ${i32}, top: ${i32}) -> ${i32}:`,
    '    # exponent and 6 bits of the mantissa of the gap in steps of 256; 127 << 6 is those of 1',
    `    steps = ${f32}(((top - key) >> 8) & 0xFFFFFF)`,
    `    return 2047 - cute.math.max((steps.bitcast(${i32}) >> 17) - 8127, 0)`,
  ].join('\n');
}

export function gapKey(imports: Imports): string {
  const [f32, i32, i64] = ['Float32', 'Int32', 'Int64'].map((name) => imports.use(name));
  return [
    '@cute.jit',
    `def gap_key(bin: ${i32}, top: ${i32}) -> ${i32}:`,
    '    # where the gap of the next bin begins, as whole steps',
    `    steps = cute.math.min(${i32}(${i32}((2047 - bin + 8128) << 17).bitcast(${f32})), 0xFFFFFF)`,
    `    least = ${i64}(top) - (${i64}(steps) * 256 + 255)`,
    `    return ${i32}(cute.math.max(least, ${i64}(-2147483648)))`,
  ].join('\n');
}

export function keyNumber(imports: Imports): string {
  const [f32, i32] = ['Float32', 'Int32'].map((name) => imports.use(name));
  return [
    '@cute.jit',
    `def key_number(key: ${i32}) -> ${f32}:`,
    '    # what order_key made it of',
    `    return ${i32}(key ^ ((key >> 31) & 0x7FFFFFFF)).bitcast(${f32})`,
  ].join('\n');
}

export function gatherList(imports: Imports): string {
  const i32 = imports.use('Int32');
  const load = (of: string, rank: string) => [
    `peer = cute.arch.map_dsmem_ptr(${of}, (rank + ${rank}) % cluster).toint()`,
    `cute.arch.inline_ptx("ld.shared::cluster.b32 {$w0}, [{$r0}];", write_only_types=[${i32}], read_only_args=[peer])`,
  ];
  const [countAt, countOf] = load('count.iterator', 'step');
  const [entryAt, entryOf] = load('part.iterator + entry', 'from_');
  return [
    '@cute.jit',
    `def gather_list(count: cute.Tensor, parts, most: cutlass.Constexpr, cluster: cutlass.Constexpr, threads: cutlass.Constexpr) -> ${i32}:`,
    "    # the other CTAs' entries behind this one's own, where there are at most `most` of all; a run of threads takes those of one CTA",
    '    thread = cute.arch.thread_idx()[0]',
    '    rank = cute.arch.block_idx_in_cluster()',
    '    run = threads // cluster',
    '    from_ = thread // run',
    '    cute.arch.cluster_arrive()',
    '    cute.arch.cluster_wait()',
    '    total = count[0]',
    '    behind = total',
    `    length = ${i32}(0)`,
    '    for step in cutlass.range_constexpr(1, cluster):',
    `        ${countAt}`,
    `        entries = ${countOf}`,
    '        if step < from_:',
    '            behind = behind + entries',
    '        if step == from_:',
    '            length = entries',
    '        total = total + entries',
    '    if total <= most:',
    '        for entry in cutlass.range(thread % run, length, run):',
    '            for part in parts:',
    `                ${entryAt}`,
    `                part[behind + entry] = ${entryOf}`,
    '    cute.arch.sync_threads()',
    '    return total',
  ].join('\n');
}
