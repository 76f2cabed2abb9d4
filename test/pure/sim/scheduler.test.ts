import { describe, expect, test } from '@jest/globals';
import { SimMemory, compileKernel, parsePtx, simulate } from '../../../src/sim/index.js';
import { kernelText, runKernel } from './harness.js';

const INPUT = new Int32Array(64).map((_, n) => n * 3);
const OWN = 'mul.wide.u32 %rd10, %r0, 4; add.s64 %rd11, %rd1, %rd10;';

describe('control flow', () => {
  test('threads take branches and loops of their own', () => {
    // Collatz steps of tid + 1.
    const { out, reports } = runKernel(
      kernelText(`add.s32 %r1, %r0, 1; mov.u32 %r2, 0;
L: setp.eq.s32 %p1, %r1, 1; @%p1 bra DONE;
and.b32 %r3, %r1, 1; setp.eq.s32 %p2, %r3, 0; @%p2 bra EVEN;
mad.lo.s32 %r1, %r1, 3, 1; bra NEXT;
EVEN: shr.u32 %r1, %r1, 1;
NEXT: add.s32 %r2, %r2, 1; bra L;
DONE: ${OWN} st.global.b32 [%rd11], %r2;`),
      INPUT,
      32,
    );
    const steps = (n: number): number => (n === 1 ? 0 : 1 + steps(n % 2 ? 3 * n + 1 : n / 2));
    expect(reports).toEqual([]);
    expect([...out]).toEqual(Array.from({ length: 32 }, (_, t) => steps(t + 1)));
  });

  test('a graph with two ways into a loop', () => {
    const { out } = runKernel(
      kernelText(`mov.u32 %r1, 0; mov.u32 %r2, 0; and.b32 %r3, %r0, 1; setp.eq.s32 %p1, %r3, 1; @%p1 bra B;
A: add.s32 %r1, %r1, 1;
B: add.s32 %r1, %r1, 10; add.s32 %r2, %r2, 1; setp.lt.s32 %p2, %r2, 3; @%p2 bra A;
${OWN} st.global.b32 [%rd11], %r1;`),
      INPUT,
      32,
    );
    expect([...out]).toEqual(Array.from({ length: 32 }, (_, t) => (t % 2 ? 32 : 33)));
  });

  test('a table of targets, and a predicate that guards instructions', () => {
    const { out } = runKernel(
      kernelText(`mov.u32 %r1, 0; and.b32 %r2, %r0, 3; TABLE: .branchtargets X, Y, Z; min.u32 %r2, %r2, 2;
brx.idx %r2, TABLE;
X: mov.u32 %r1, 5; bra DONE;
Y: mov.u32 %r1, 6; bra DONE;
Z: mov.u32 %r1, 7;
DONE: setp.gt.u32 %p1, %r0, 15; @%p1 add.s32 %r1, %r1, 100; ${OWN} st.global.b32 [%rd11], %r1;`),
      INPUT,
      32,
    );
    expect([...out]).toEqual(Array.from({ length: 32 }, (_, t) => [5, 6, 7, 7][t & 3]! + (t > 15 ? 100 : 0)));
  });

  test('barriers in a loop: a tree reduction over shared memory', () => {
    const { out, reports } = runKernel(
      kernelText(
        `mov.u32 %r10, smem; shl.b32 %r11, %r0, 2; add.s32 %r12, %r10, %r11; st.shared.b32 [%r12], %r0; mov.u32 %r2, 64;
L: bar.sync 0; setp.ge.u32 %p1, %r0, %r2; @%p1 bra SKIP;
shl.b32 %r3, %r2, 2; add.s32 %r4, %r12, %r3; ld.shared.b32 %r5, [%r4]; ld.shared.b32 %r6, [%r12]; add.s32 %r5, %r5, %r6; st.shared.b32 [%r12], %r5;
SKIP: shr.u32 %r2, %r2, 1; setp.ne.s32 %p2, %r2, 0; @%p2 bra L;
setp.ne.s32 %p3, %r0, 0; @%p3 ret; st.global.b32 [%rd1], %r5;`,
        2,
        '.shared .align 4 .b8 smem[512];',
      ),
      INPUT,
      1,
      { block: 128 },
    );
    expect(reports).toEqual([]);
    expect(out[0]).toBe((127 * 128) / 2);
  });

  test('named barriers: producers arrive, consumers wait', () => {
    const { out, reports } = runKernel(
      kernelText(
        `setp.ge.u32 %p1, %r0, 32; shl.b32 %r1, %r0, 2; mov.u32 %r2, smem; @%p1 bra CONSUME;
add.s32 %r3, %r2, %r1; st.shared.b32 [%r3], %r0; bar.arrive 1, 64; ret;
CONSUME: bar.sync 1, 64; add.s32 %r3, %r2, %r1; ld.shared.b32 %r4, [%r3+-128]; ${OWN} st.global.b32 [%rd11+-128], %r4;`,
        2,
        '.shared .align 4 .b8 smem[128];',
      ),
      INPUT,
      32,
      { block: 64 },
    );
    expect(reports).toEqual([]);
    expect([...out]).toEqual(Array.from({ length: 32 }, (_, t) => t));
  });
});

describe('memory spaces', () => {
  test("local memory is a thread's own; constants and global variables have their contents", () => {
    const { out, reports } = runKernel(
      kernelText(
        `.local .align 8 .b8 depot[16]; mov.u64 %rd5, depot; cvta.local.u64 %rd6, %rd5; st.local.b32 [%rd5+4], %r0; ld.b32 %r1, [%rd6+4];
ld.const.b32 %r2, [limit]; mov.u64 %rd7, table; ld.global.b8 %r3, [%rd7+2]; add.s32 %r1, %r1, %r2; add.s32 %r1, %r1, %r3; ${OWN} st.global.b32 [%rd11], %r1;`,
        2,
        '.const .align 4 .u32 limit = 1000; .global .align 4 .b8 table[4] = {1, 2, 70, 4};',
      ),
      INPUT,
      32,
    );
    expect(reports).toEqual([]);
    expect([...out]).toEqual(Array.from({ length: 32 }, (_, t) => t + 1070));
  });

  test('generic addresses reach shared and global memory', () => {
    const { out, reports } = runKernel(
      kernelText(
        `mov.u64 %rd5, smem; cvta.shared.u64 %rd6, %rd5; shl.b32 %r1, %r0, 2; cvt.u64.u32 %rd7, %r1; add.s64 %rd6, %rd6, %rd7;
st.b32 [%rd6], %r0; bar.sync 0; ld.b32 %r2, [%rd6]; ${OWN} st.b32 [%rd11], %r2; isspacep.shared %p1, %rd6; @!%p1 trap; isspacep.global %p1, %rd11; @!%p1 trap;`,
        2,
        '.shared .align 4 .b8 smem[128];',
      ),
      INPUT,
      32,
    );
    expect(reports).toEqual([]);
    expect([...out]).toEqual(Array.from({ length: 32 }, (_, t) => t));
  });

  test('atomics: what they return, and their sums', () => {
    const cases: readonly (readonly [string, number])[] = [
      ['atom.global.add.u32 %r1, [%rd1], %r0;', 496],
      ['atom.global.max.s32 %r1, [%rd1], %r0;', 31],
      ['red.global.or.b32 [%rd1], %r0;', 31],
      ['atom.global.inc.u32 %r1, [%rd1], 9;', 2],
      ['atom.global.cas.b32 %r1, [%rd1], 0, 77;', 77],
      ['atom.global.exch.b32 %r1, [%rd1], %r0;', 31],
      ['cvt.rn.f32.u32 %f1, %r0; red.global.add.f32 [%rd1], %f1;', 0x43f80000],
      ['mov.u64 %rd5, 1; atom.global.add.u64 %rd6, [%rd1], %rd5;', 32],
    ];
    for (const [body, expected] of cases) {
      const memory = new SimMemory();
      const [a, b] = [memory.alloc(8), memory.alloc(8)];
      memory.fill(b, 0);
      const { reports } = simulate(compileKernel(parsePtx(kernelText(body))), {
        grid: 1,
        block: 32,
        args: [a, b],
        memory,
      });
      expect(reports).toEqual([]);
      expect(new Uint32Array(memory.read(b).buffer)[0]).toBe(expected);
    }
  });
});

describe('clusters', () => {
  /** Every CTA sums what all CTAs of its cluster put into their shared memory. */
  const SUM = kernelText(
    `mov.u32 %r1, %cluster_ctarank; mov.u32 %r2, %ctaid.x; add.s32 %r3, %r2, 100; mov.u32 %r9, smem;
st.shared.b32 [smem], %r3; @BEFORE@
mov.u32 %r4, 0; mov.u32 %r5, 0; mov.u32 %r6, %cluster_nctarank;
L: mapa.shared::cluster.u32 %r7, %r9, %r4; ld.shared::cluster.b32 %r8, [%r7]; add.s32 %r5, %r5, %r8; add.s32 %r4, %r4, 1; setp.lt.u32 %p1, %r4, %r6; @%p1 bra L;
barrier.cluster.arrive; barrier.cluster.wait;
mul.wide.u32 %rd10, %r2, 4; add.s64 %rd11, %rd1, %rd10; st.global.b32 [%rd11], %r5;`,
    2,
    '.shared .align 4 .b8 smem[4];',
  );
  const both = 'barrier.cluster.arrive.release.aligned; barrier.cluster.wait.acquire.aligned;';

  test('distributed shared memory and the cluster barrier', () => {
    const { out, reports } = runKernel(SUM.replace('@BEFORE@', both), INPUT, 8, {
      grid: 8,
      cluster: 4,
      block: 1,
    });
    expect(reports).toEqual([]);
    expect([...out]).toEqual([406, 406, 406, 406, 422, 422, 422, 422]);
  });

  test('without the barrier the reads race', () => {
    const { reports } = runKernel(SUM.replace('@BEFORE@', ''), INPUT, 8, { grid: 8, cluster: 4, block: 1 });
    expect(reports.map(({ kind }) => kind)).toContain('uninitialised-read');
  });

  test('a rank outside the cluster', () => {
    const body =
      'mov.u32 %r9, smem; mapa.shared::cluster.u32 %r7, %r9, 2; ld.shared::cluster.b32 %r8, [%r7];';
    const { reports } = runKernel(kernelText(body, 2, '.shared .align 4 .b8 smem[4];'), INPUT, 8, {
      grid: 2,
      cluster: 2,
      block: 1,
    });
    expect(reports[0]).toMatchObject({ kind: 'out-of-bounds', allocation: 'shared memory' });
  });

  test('coordinates inside a three-dimensional grid of clusters', () => {
    const body = `mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ctaid.y; mov.u32 %r3, %nctaid.x; mad.lo.s32 %r4, %r2, %r3, %r1;
mov.u32 %r5, %clusterid.x; mov.u32 %r6, %cluster_ctaid.y; mad.lo.s32 %r7, %r5, 16, %r6; mov.u32 %r8, %cluster_ctarank; mad.lo.s32 %r7, %r8, 256, %r7;
mul.wide.u32 %rd10, %r4, 4; add.s64 %rd11, %rd1, %rd10; st.global.b32 [%rd11], %r7;`;
    const { out } = runKernel(kernelText(body), INPUT, 16, { grid: [4, 4], cluster: [2, 2], block: 1 });
    const expected = Array.from({ length: 16 }, (_, n) => {
      const [x, y] = [n % 4, Math.floor(n / 4)];
      return (x >> 1) * 16 + (y & 1) + ((x & 1) + 2 * (y & 1)) * 256;
    });
    expect([...out]).toEqual(expected);
  });
});

describe('grid synchronisation', () => {
  /** Each block adds one to a counter and waits until all have. */
  const SYNC = kernelText(
    `atom.global.add.u32 %r1, [%rd1], 1; mov.u32 %r3, %nctaid.x;
L: ld.acquire.gpu.global.b32 %r2, [%rd1]; setp.lt.u32 %p1, %r2, %r3; @%p1 bra L;
mov.u32 %r4, %ctaid.x; mul.wide.u32 %rd10, %r4, 4; add.s64 %rd11, %rd1, %rd10; st.global.b32 [%rd11+4], %r2;`,
  );

  function run(grid: number, multiprocessors: number) {
    const memory = new SimMemory();
    const [a, b] = [memory.alloc(8), memory.alloc(4 * (grid + 1), { name: 'counters' })];
    memory.fill(b, 0, 4);
    const kernel = compileKernel(parsePtx(SYNC));
    const { reports } = simulate(kernel, {
      grid,
      block: 1024,
      args: [a, b],
      memory,
      multiprocessors,
      checks: 'none',
    });
    return { reports, out: [...new Uint32Array(memory.read(b).buffer)] };
  }

  test('blocks that wait for each other all run', () => {
    // 1024 threads each add; the counter passes the number of blocks at once, so a spin ends when all have started.
    const { reports, out } = run(6, 4);
    expect(reports).toEqual([]);
    expect(out.slice(1)).toHaveLength(6);
    expect(out[0]).toBe(6 * 1024);
  });

  test('a grid too large to be resident at once is reported', () => {
    const text = SYNC.replace('%r3, %nctaid.x;', '%r3, %nctaid.x; shl.b32 %r3, %r3, 10;');
    const attempt = (grid: number) => {
      const memory = new SimMemory();
      const [a, b] = [memory.alloc(8), memory.alloc(4 * (grid + 1))];
      memory.fill(b, 0, 4);
      return simulate(compileKernel(parsePtx(text)), {
        grid,
        block: 1024,
        args: [a, b],
        memory,
        multiprocessors: 2,
        checks: 'none',
      }).reports;
    };
    expect(attempt(4)).toEqual([]);
    expect(attempt(5)[0]).toMatchObject({ kind: 'not-co-resident' });
  });

  test('a value that nobody will write', () => {
    const { reports } = runKernel(
      kernelText('L: ld.volatile.global.b32 %r1, [%rd0+4]; setp.ne.s32 %p1, %r1, 7; @%p1 bra L;'),
      INPUT,
      1,
      { block: 1 },
    );
    expect(reports[0]).toMatchObject({ kind: 'deadlock' });
  });
});
