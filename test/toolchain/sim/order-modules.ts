/** Modules for meetings of a warp, ordered accesses, and blocks that wait for each other. */

import { DEFAULTS } from './class-module.js';
import type { ClassModule } from './class-module.js';

export const ORDER_MODULES = {
  meetings: {
    ...DEFAULTS,
    body: `
    x = cute.make_tensor(a, 32)[t]
    o = cute.make_tensor(out, cute.make_layout((32, 12), stride=(12, 1)))
    o[t, 0] = cute.arch.shuffle_sync_down(x, offset=2)
    o[t, 1] = cute.arch.warp_redux_sync(x, "max")
    o[t, 2] = cute.arch.warp_redux_sync(x, "min")
    o[t, 3] = cute.arch.warp_redux_sync(x, "and")
    o[t, 4] = cute.arch.warp_redux_sync(x, "or")
    o[t, 5] = cute.arch.warp_redux_sync(x, "xor")
    o[t, 6] = Int32(0)
    if cute.arch.vote_all_sync(x > 40):
        o[t, 6] = Int32(1)
    o[t, 7] = Int32(0)
    if cute.arch.vote_uni_sync(x > 400):
        o[t, 7] = Int32(1)
    if t < 8:
        o[t, 8] = Int32(cute.arch.activemask())
`,
    instructions: [
      'shfl.sync.down',
      'redux.sync.max',
      'redux.sync.min',
      'redux.sync.and',
      'redux.sync.or',
      'redux.sync.xor',
      'vote.sync.all',
      'vote.sync.uni',
      'activemask',
    ],
  },
  bitAtomics: {
    ...DEFAULTS,
    body: `
    o = cute.make_tensor(out, 8)
    bit = Int32(1) << t
    cute.arch.atomic_or(o.iterator, bit)
    cute.arch.atomic_xor(o.iterator + 1, bit)
    cute.arch.atomic_and(o.iterator + 2, ~bit)
    cute.make_tensor(b, 32)[t] = cute.arch.atomic_exch(o.iterator + 3, t + 1)
    cute.arch.red(o.iterator + 4, t, op="add", dtype="s32", sem="relaxed", scope="gpu")
    s = cutlass.memory.SmemAllocator().allocate_tensor(Int32, cute.make_layout(4), byte_alignment=16)
    if t < 4:
        s[t] = 0
    cute.arch.barrier()
    cute.arch.atomic_add(s.iterator + t % 4, t)
    cute.arch.barrier()
    if t < 4:
        o[t + 4] = o[t + 4] + s[t]
`,
    instructions: ['.or.b32', '.xor.b32', '.and.b32', 'atom.global.exch.b32', 'red.', 'shared.add'],
  },
  gridSync: {
    ...DEFAULTS,
    grid: 4,
    body: `
    block, _, _ = cute.arch.block_idx()
    counter = cute.make_tensor(b, 1)
    rows = cute.make_tensor(out, cute.make_layout((8, 32), stride=(32, 1)))
    rows[block, t] = block * 100 + t
    cute.arch.barrier()
    if t == 0:
        cute.arch.red(counter.iterator, Int32(1), op="add", dtype="s32", sem="release", scope="gpu")
        seen = cute.arch.load(counter.iterator, Int32, sem="acquire", scope="gpu")
        while seen < 4:
            seen = cute.arch.load(counter.iterator, Int32, sem="acquire", scope="gpu")
    cute.arch.barrier()
    rows[4 + block, t] = rows[(block + 1) % 4, t]
`,
    instructions: ['red.release.gpu', 'ld.acquire.gpu'],
  },
  /** Counters of those who come and those who leave; the last to leave sets both back. */
  gridTwice: {
    ...DEFAULTS,
    grid: 4,
    body: `
    block, _, _ = cute.arch.block_idx()
    counters = cute.make_tensor(b, 2)
    rows = cute.make_tensor(out, cute.make_layout((8, 32), stride=(32, 1)))
    rows[block, t] = block * 100 + t
    cute.arch.barrier()
    if t == 0:
        seen = cute.arch.atomic_add(counters.iterator, Int32(1), sem="acq_rel", scope="gpu") + 1
        while seen < 4:
            seen = cute.arch.load(counters.iterator, Int32, sem="acquire", scope="gpu")
        left = cute.arch.atomic_add(counters.iterator + 1, Int32(1), sem="acq_rel", scope="gpu")
        if left == 3:
            cute.arch.store(counters.iterator, Int32(0), sem="relaxed", scope="gpu")
            cute.arch.store(counters.iterator + 1, Int32(0), sem="relaxed", scope="gpu")
    cute.arch.barrier()
    rows[4 + block, t] = rows[(block + 1) % 4, t]
`,
    instructions: ['acq_rel', 'ld.acquire.gpu', 'st.relaxed.gpu'],
  },
} as const satisfies Record<string, ClassModule>;
