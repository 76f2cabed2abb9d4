import { describe, expect, test } from '@jest/globals';
import { SimMemory, compileKernel, encodeTensorMap, parsePtx, simulate } from '../../../src/sim/index.js';
import type { LaunchOptions, Swizzle } from '../../../src/sim/index.js';
import { kernelText, runKernel } from './harness.js';

const INPUT = new Int32Array(256).map((_, n) => n * 3 + 1);
const SHARED = '.shared .align 128 .b8 smem[1024]; .shared .align 8 .b8 bar[16];';

function run(body: string, words: number, options: Partial<LaunchOptions> = {}) {
  return runKernel(kernelText(body, 2, SHARED), INPUT, words, options);
}

/** Thread t: in word offset 4 t bytes in %rd10, shared address in %r20, out address in %rd11. */
const OWN = `shl.b32 %r18, %r0, 2; mov.u32 %r19, smem; add.s32 %r20, %r19, %r18; cvt.u64.u32 %rd10, %r18;
add.s64 %rd12, %rd0, %rd10; add.s64 %rd11, %rd1, %rd10;`;
const OUT = 'ld.shared.b32 %r1, [%r20]; st.global.b32 [%rd11], %r1;';

describe('cp.async', () => {
  const copy = (wait: string): string =>
    `${OWN} cp.async.ca.shared.global [%r20], [%rd12], 4; cp.async.commit_group;
cp.async.ca.shared.global [%r20+256], [%rd12+256], 4; cp.async.commit_group; ${wait} ${OUT}`;

  test('data is there after the wait for its group', () => {
    const { out, reports } = run(copy('cp.async.wait_group 1;'), 32);
    expect(reports).toEqual([]);
    expect([...out]).toEqual([...INPUT.subarray(0, 32)]);
    expect(run(copy('cp.async.wait_all;'), 32).reports).toEqual([]);
  });

  test('reading before the wait, or after a wait that leaves one group too many, is reported', () => {
    for (const wait of ['', 'cp.async.wait_group 2;'])
      expect(run(copy(wait), 32).reports[0]).toMatchObject({
        kind: 'read-before-wait',
        allocation: 'shared memory',
        count: 32,
      });
  });

  test("the wait is a thread's own: others need a barrier", () => {
    const far = `${OWN} cp.async.ca.shared.global [%r20], [%rd12], 4; cp.async.wait_all; @BAR@ xor.b32 %r20, %r18, 64; add.s32 %r20, %r20, %r19; ${OUT}`;
    expect(run(far.replace('@BAR@', 'bar.sync 0;'), 32).reports).toEqual([]);
    expect(run(far.replace('@BAR@', ''), 32).reports[0]!.kind).toMatch(
      /uninitialised-read|read-before-wait|shared-hazard/,
    );
  });

  test('bytes beyond the source size are zeros, and are not read', () => {
    const body = `${OWN} cp.async.cg.shared.global [%r20], [%rd0+1016], 16, 8; cp.async.wait_all; ld.shared.v4.b32 {%r1, %r2, %r3, %r4}, [%r20]; st.global.v4.b32 [%rd11], {%r1, %r2, %r3, %r4};`;
    const aligned = body.replace('[%rd0+1016]', '[%rd0+1008]');
    const { out, reports } = run(aligned, 4, { block: 1 });
    expect(reports).toEqual([]);
    expect([...out]).toEqual([INPUT[252], INPUT[253], 0, 0]);
    expect(run(aligned.replace('16, 8', '16, 0').replace('+1008', '+1024'), 4, { block: 1 }).reports).toEqual(
      [],
    );
  });
});

describe('mbarrier', () => {
  const init = (count: number): string =>
    `setp.eq.s32 %p1, %r0, 0; @%p1 mbarrier.init.shared::cta.b64 [bar], ${count}; fence.mbarrier_init.release.cluster; bar.sync 0;`;
  const wait = (parity: number, label = 'W'): string =>
    `${label}: mbarrier.try_wait.parity.shared::cta.b64 %p2, [bar], ${parity}; @!%p2 bra ${label};`;

  test('arrivals of all threads order an exchange through shared memory', () => {
    const body = `${OWN} ${init(64)} st.shared.b32 [%r20], %r0; mbarrier.arrive.shared::cta.b64 %rd5, [bar]; ${wait(0)} xor.b32 %r20, %r18, 128; add.s32 %r20, %r20, %r19; ${OUT}`;
    const { out, reports } = run(body, 64, { block: 64 });
    expect(reports).toEqual([]);
    expect([...out]).toEqual(Array.from({ length: 64 }, (_, t) => t ^ 32));
  });

  test('the wrong parity lets threads through too early, or never', () => {
    const body = `${OWN} ${init(64)} st.shared.b32 [%r20], %r0; mbarrier.arrive.shared::cta.b64 %rd5, [bar]; ${wait(1)} xor.b32 %r20, %r18, 128; add.s32 %r20, %r20, %r19; ${OUT}`;
    expect(run(body, 64, { block: 64 }).reports.length).toBeGreaterThan(0);
    expect(run(`${init(2)} ${wait(0)}`, 1).reports[0]).toMatchObject({ kind: 'deadlock' });
  });

  test('a token names the phase it was taken in', () => {
    const body = `${init(32)} mbarrier.arrive.shared::cta.b64 %rd5, [bar]; L: mbarrier.test_wait.shared::cta.b64 %p2, [bar], %rd5; @!%p2 bra L; ${OWN} st.global.b32 [%rd11], %r0;`;
    const { out, reports } = run(body, 32);
    expect(reports).toEqual([]);
    expect(out[31]).toBe(31);
  });

  test('misuse', () => {
    expect(
      run('mbarrier.arrive.shared::cta.b64 %rd5, [bar];', 1, { block: 1 }).reports.map(({ kind }) => kind),
    ).toContain('mbarrier-misuse');
    expect(
      run(`${init(1)} mbarrier.arrive.shared::cta.b64 %rd5, [bar], 2;`, 1, { block: 1 }).reports[0]!.detail,
    ).toMatch(/arrives 2 times where 1 of 1/);
    expect(run('mbarrier.init.shared::cta.b64 [bar], 0;', 1, { block: 1 }).reports[0]).toMatchObject({
      kind: 'mbarrier-misuse',
    });
  });

  test('cp.async may arrive for its thread', () => {
    const body = `${OWN} ${init(32)} cp.async.ca.shared.global [%r20], [%rd12], 4; cp.async.mbarrier.arrive.noinc.shared::cta.b64 [bar]; ${wait(0)} xor.b32 %r20, %r18, 64; add.s32 %r20, %r20, %r19; ${OUT}`;
    const { out, reports } = run(body, 32);
    expect(reports).toEqual([]);
    expect([...out]).toEqual(Array.from({ length: 32 }, (_, t) => INPUT[t ^ 16]));
  });

  describe('bulk copies', () => {
    const load = (bytes: number, announced: number, before = wait(0)): string =>
      `${OWN} ${init(1)} @!%p1 bra SKIP; mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], ${announced};
cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem], [%rd0], ${bytes}, [bar]; SKIP: ${before} ${OUT}`;

    test('global to shared, counted by an mbarrier', () => {
      const { out, reports } = run(load(256, 256), 64, { block: 64 });
      expect(reports).toEqual([]);
      expect([...out]).toEqual([...INPUT.subarray(0, 64)]);
    });

    test('not waited for; a wrong byte count; a size that is no multiple of 16', () => {
      expect(run(load(256, 256, ''), 64, { block: 64 }).reports[0]!.kind).toMatch(
        /read-before-wait|uninitialised-read/,
      );
      expect(run(load(256, 272), 64, { block: 64 }).reports.map(({ kind }) => kind)).toContain('deadlock');
      expect(run(load(24, 24), 64, { block: 64 }).reports[0]).toMatchObject({ kind: 'misaligned' });
    });

    test('shared to global, in groups', () => {
      const body = `${OWN} st.shared.b32 [%r20], %r0; fence.proxy.async.shared::cta; bar.sync 0; setp.ne.s32 %p1, %r0, 0; @%p1 ret;
cp.async.bulk.global.shared::cta.bulk_group [%rd1], [smem], 128; cp.async.bulk.commit_group; cp.async.bulk.wait_group.read 0;`;
      const { out, reports } = run(body, 32);
      expect(reports).toEqual([]);
      expect([...out]).toEqual(Array.from({ length: 32 }, (_, t) => t));
    });

    test('a store to another block of the cluster, counted there', () => {
      const body = `mov.u32 %r1, %cluster_ctarank; xor.b32 %r2, %r1, 1; mov.u32 %r3, smem; mov.u32 %r4, bar; mapa.shared::cluster.u32 %r5, %r3, %r2; mapa.shared::cluster.u32 %r6, %r4, %r2;
mbarrier.init.shared::cta.b64 [bar], 1; mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], 8; barrier.cluster.arrive; barrier.cluster.wait; add.s32 %r7, %r1, 50; add.s32 %r8, %r1, 60;
st.async.shared::cluster.mbarrier::complete_tx::bytes.v2.b32 [%r5], {%r7, %r8}, [%r6]; ${wait(0)} ld.shared.v2.b32 {%r9, %r10}, [smem]; add.s32 %r9, %r9, %r10; mul.wide.u32 %rd5, %r1, 4; add.s64 %rd6, %rd1, %rd5; st.global.b32 [%rd6], %r9; barrier.cluster.arrive; barrier.cluster.wait;`;
      const { out, reports } = run(body, 2, { grid: 2, cluster: 2, block: 1 });
      expect(reports).toEqual([]);
      expect([...out]).toEqual([112, 110]);
    });
  });
});

describe('tensor copies', () => {
  /** Loads the box at (x, y) of a 2-dimensional i32 tensor and writes shared memory out as it lies there. */
  function box(x: number, y: number, swizzle: Swizzle, inner: number, rows: number) {
    const memory = new SimMemory();
    const [width, height] = [32, 8];
    const tensor = memory.alloc(width * height * 4, { name: 'tensor', readonly: true });
    memory.write(tensor, new Uint8Array(INPUT.buffer));
    const out = memory.alloc(inner * rows * 4, { name: 'out' });
    const map = encodeTensorMap({
      address: tensor.address,
      elementBytes: 4,
      shape: [width, height],
      strides: [width * 4],
      box: [inner, rows],
      swizzle,
    });
    const bytes = inner * rows * 4;
    const text = kernelText(
      `mov.b64 %rd5, map; cvta.param.u64 %rd6, %rd5; mbarrier.init.shared::cta.b64 [bar], 1; mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], ${bytes};
mov.u32 %r1, ${x}; mov.u32 %r2, ${y}; cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [smem], [%rd6, {%r1, %r2}], [bar];
W: mbarrier.try_wait.parity.shared::cta.b64 %p2, [bar], 0; @!%p2 bra W;
cp.async.bulk.global.shared::cta.bulk_group [%rd0], [smem], ${bytes}; cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;`,
      1,
      SHARED,
    ).replace('.param .u64 p0', '.param .u64 p0, .param .align 64 .b8 map[128]');
    const { reports } = simulate(compileKernel(parsePtx(text)), {
      grid: 1,
      block: 1,
      args: [out, map],
      memory,
    });
    return { reports, words: [...new Int32Array(memory.read(out).buffer)] };
  }

  test('a box inside, and zeros for what lies outside', () => {
    const inside = box(4, 2, 'none', 8, 2);
    expect(inside.reports).toEqual([]);
    expect(inside.words).toEqual([...INPUT.subarray(68, 76), ...INPUT.subarray(100, 108)]);
    const edge = box(28, 7, 'none', 8, 2);
    expect(edge.reports).toEqual([]);
    expect(edge.words).toEqual([...INPUT.subarray(252, 256), ...new Array<number>(12).fill(0)]);
    expect(box(-4, 0, 'none', 8, 1).words).toEqual([0, 0, 0, 0, ...INPUT.subarray(0, 4)]);
  });

  test.each([
    ['128B', 7, 32],
    ['64B', 3, 16],
    ['32B', 1, 8],
  ] as const)('swizzle %s', (swizzle, mask, inner) => {
    const rows = 8;
    const plain = box(0, 0, 'none', inner, rows).words;
    const { words, reports } = box(0, 0, swizzle, inner, rows);
    expect(reports).toEqual([]);
    // A 16-byte chunk moves to the chunk whose number is xored with the number of its 128-byte line.
    const expected = plain.map((_, n) => {
      const chunk = n >> 2;
      return plain[((chunk ^ ((chunk >> 3) & mask)) << 2) | (n & 3)];
    });
    expect(words).toEqual(expected);
  });

  test.each([1, 2, 3, 4, 5])('%i dimensions, both ways, over every edge', (rank) => {
    const shape = [12, 3, 2, 3, 2].slice(0, rank);
    const box = [8, 2, 2, 2, 1].slice(0, rank);
    const at = [8, 2, -1, 1, 1].slice(0, rank);
    const size = (extents: readonly number[]): number => extents.reduce((a, b) => a * b);
    const memory = new SimMemory();
    const values = Int32Array.from({ length: size(shape) }, (_, n) => n + 1);
    const [from, to] = ['from', 'to'].map((name) => memory.alloc(values.byteLength, { name }));
    memory.write(from!, new Uint8Array(values.buffer));
    memory.fill(to!, 0);
    const map = (address: bigint): Uint8Array =>
      encodeTensorMap({
        address,
        elementBytes: 4,
        shape,
        strides: shape.slice(1).map((_, axis) => 4 * size(shape.slice(0, axis + 1))),
        box,
        swizzle: 'none',
      });
    const bytes = 4 * size(box);
    const place = at.map((index, axis) => `mov.b32 %r${axis + 1}, ${index};`).join(' ');
    const coordinates = `{${at.map((_, axis) => `%r${axis + 1}`).join(', ')}}`;
    const text = kernelText(
      `${place} mov.b64 %rd5, m0; cvta.param.u64 %rd6, %rd5; mov.b64 %rd7, m1; cvta.param.u64 %rd8, %rd7;
mbarrier.init.shared::cta.b64 [bar], 1; mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], ${bytes};
cp.async.bulk.tensor.${rank}d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [smem], [%rd6, ${coordinates}], [bar];
W: mbarrier.try_wait.parity.shared::cta.b64 %p2, [bar], 0; @!%p2 bra W;
cp.async.bulk.tensor.${rank}d.global.shared::cta.tile.bulk_group [%rd8, ${coordinates}], [smem]; cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;`,
      0,
      SHARED,
    ).replace('k()', 'k(.param .align 64 .b8 m0[128], .param .align 64 .b8 m1[128])');
    const { reports } = simulate(compileKernel(parsePtx(text)), {
      grid: 1,
      block: 1,
      args: [map(from!.address), map(to!.address)],
      memory,
    });
    expect(reports).toEqual([]);
    const expected = values.map((value, n) => {
      let rest = n;
      const inside = shape.every((extent, axis) => {
        const index = (rest % extent) - at[axis]!;
        rest = Math.floor(rest / extent);
        return index >= 0 && index < box[axis]!;
      });
      return inside ? value : 0;
    });
    expect(expected.some((value) => value !== 0)).toBe(true);
    expect([...new Int32Array(memory.read(to!).buffer)]).toEqual([...expected]);
  });

  test('a map that the driver would refuse', () => {
    const map = {
      address: 0x1000n,
      elementBytes: 2,
      shape: [64, 64],
      strides: [128],
      box: [64, 8],
      swizzle: '128B' as const,
    };
    expect(() => encodeTensorMap(map)).not.toThrow();
    for (const bad of [
      { address: 0x1008n },
      { strides: [130] },
      { box: [128, 8] },
      { box: [64, 300] },
      { shape: [] },
    ])
      expect(() => encodeTensorMap({ ...map, ...bad })).toThrow(
        expect.objectContaining({ code: 'LAUNCH_GUARD' }),
      );
  });
});
