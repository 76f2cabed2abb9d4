import { describe, expect, test } from '@jest/globals';
import { SimMemory, compileKernel, parsePtx, simulate } from '../../../src/sim/index.js';
import type { LaunchOptions, SimReport } from '../../../src/sim/index.js';
import { kernelText } from './harness.js';

/** `%r20`: address of the thread's own word of shared memory; `%r21` of the other warp's word in a block of 64. */
const OWN = `mov.u32 %r19, smem; shl.b32 %r18, %r0, 2; add.s32 %r20, %r19, %r18; xor.b32 %r17, %r18, 128; add.s32 %r21, %r19, %r17;
shr.u32 %r16, %r0, 5; setp.eq.s32 %p10, %r16, 0; setp.eq.s32 %p11, %r0, 0;`;
const SHARED =
  '.shared .align 128 .b8 smem[1024]; .shared .align 8 .b8 full[8]; .shared .align 8 .b8 empty[8];';

function run(body: string, options: Partial<LaunchOptions> = {}): readonly SimReport[] {
  const memory = new SimMemory();
  const input = memory.alloc(1024, { name: 'in' });
  memory.fill(input, 1);
  const out = memory.alloc(1024, { name: 'out' });
  memory.fill(out, 0);
  const kernel = compileKernel(parsePtx(kernelText(`${OWN}\n${body}`, 2, SHARED)));
  return simulate(kernel, { grid: 1, block: 64, args: [input, out], memory, ...options }).reports;
}

/** The kernel has no fault; and has the one that `detail` says where each of `parts` is left out. */
function needs(
  body: string,
  faults: Readonly<Record<string, RegExp>>,
  options: Partial<LaunchOptions> = {},
): void {
  expect(run(body, options)).toEqual([]);
  for (const [part, detail] of Object.entries(faults)) {
    expect(body).toContain(part);
    const found = run(body.replace(part, ''), options).map((report) => `${report.kind}: ${report.detail}`);
    expect(found.filter((text) => detail.test(text))).not.toEqual([]);
  }
}

const init = (name: string, count: number): string =>
  `@%p11 mbarrier.init.shared::cta.b64 [${name}], ${count};`;
let label = 0;
const wait = (name: string, parity: number): string => {
  label++;
  return `W${label}: mbarrier.try_wait.parity.shared::cta.b64 %p2, [${name}], ${parity}; @!%p2 bra W${label};`;
};
const arrive = (name: string): string => `mbarrier.arrive.shared::cta.b64 %rd5, [${name}];`;

describe('barriers of some threads', () => {
  test('order those that come to them, in both directions', () => {
    // Warp 0 writes twice; warp 1 reads what its partner wrote, each time.
    const body = `@!%p10 bra CONSUME;
st.shared.b32 [%r20], 1; bar.arrive 1, 64; bar.sync 2, 64; st.shared.b32 [%r20], 2; bar.arrive 3, 64; ret;
CONSUME: bar.sync 1, 64; ld.shared.b32 %r1, [%r21]; bar.arrive 2, 64; bar.sync 3, 64; ld.shared.b32 %r2, [%r21];`;
    needs(body, {});
    expect(run(body.replace('bar.sync 2, 64;', '').replace('bar.arrive 2, 64;', ''))).toMatchObject([
      { kind: 'shared-hazard' },
    ]);
  });

  test('and nobody else', () => {
    const body = `setp.ge.u32 %p3, %r0, 64; @%p3 bra OTHERS; st.shared.b32 [%r20], 1; bar.sync 1, 64; ld.shared.b32 %r1, [%r21];
OTHERS: @!%p3 bar.sync 4, 64; @%p3 ld.shared.b32 %r1, [smem+4];`;
    expect(run(body, { block: 96 })).toMatchObject([
      { kind: 'shared-hazard', thread: [64, 0, 0], offset: 4, count: 32 },
    ]);
    expect(run(body, { block: 64 })).toEqual([]);
  });

  test('must be asked for the same number of threads, whole warps, and one of sixteen', () => {
    const details = (body: string): string[] => run(body).map(({ kind, detail }) => `${kind}: ${detail}`);
    expect(details('@%p10 bar.sync 1, 64; @!%p10 bar.sync 1, 32;')[0]).toBe(
      'divergent-barrier: comes to barrier 1 for 32 threads, where others came for 64',
    );
    expect(details('@%p10 bar.sync 1, 30;')[0]).toMatch(
      /divergent-barrier: .* 30 threads, which is no multiple/,
    );
    expect(details('bar.sync 16;')[0]).toBe('divergent-barrier: comes to barrier 16; there are 16');
    expect(run('bar.sync 16;', { checks: 'none' })).toEqual([]);
  });
});

describe('barriers of a warp', () => {
  test('order the lanes of their mask, and not the rest', () => {
    const body = `setp.lt.u32 %p1, %r0, 16; @%p1 st.shared.b32 [%r20], 1; @%p1 bar.warp.sync 65535; xor.b32 %r1, %r18, 4; add.s32 %r1, %r1, %r19;
@%p1 ld.shared.b32 %r2, [%r1];`;
    needs(body, { '@%p1 bar.warp.sync 65535;': /shared-hazard: / }, { block: 32 });
    expect(run(`${body} @!%p1 ld.shared.b32 %r3, [smem+8];`, { block: 32 })).toMatchObject([
      { kind: 'shared-hazard', thread: [16, 0, 0], count: 16 },
    ]);
  });

  test('a lane may overwrite what the others have read', () => {
    needs(
      '@%p11 st.shared.b32 [smem], 1; bar.warp.sync -1; ld.shared.b32 %r1, [smem]; bar.warp.sync 0xffffffff; @%p11 st.shared.b32 [smem], 2;',
      { 'bar.warp.sync 0xffffffff;': /shared-hazard: (write after read|read after write)/ },
      { block: 32 },
    );
  });
});

describe('mbarriers', () => {
  const start = `${init('full', 1)} ${init('empty', 32)} bar.sync 0; @!%p10 bra CONSUME;`;

  test('hand over what a warp wrote, by one of its lanes', () => {
    needs(
      `${start} st.shared.b32 [%r20], 1; bar.warp.sync -1; @!%p11 bra DONE; ${arrive('full')} DONE: ret;
CONSUME: ${wait('full', 0)} ld.shared.b32 %r1, [%r21];`,
      { 'bar.warp.sync -1;': /shared-hazard: read after write/ },
    );
  });

  test('order nothing for those that do not wait', () => {
    const body = `${start} st.shared.b32 [%r20], 1; bar.warp.sync -1; @!%p11 bra DONE; ${arrive('full')} DONE: ret;
CONSUME: setp.lt.u32 %p3, %r0, 64; @!%p3 bra READ; ${wait('full', 0)} READ: ld.shared.b32 %r1, [smem+12];`;
    expect(run(body, { block: 64 })).toEqual([]);
    expect(run(body, { block: 96 })).toMatchObject([
      { kind: expect.stringMatching(/shared-hazard|uninitialised-read/), count: 32 },
    ]);
  });

  test('free a buffer for its next use', () => {
    needs(
      `${start} st.shared.b32 [%r20], 1; bar.warp.sync -1; @!%p11 bra E; ${arrive('full')} E: ${wait('empty', 0)}
st.shared.b32 [%r20], 2; bar.warp.sync -1; @!%p11 bra DONE; ${arrive('full')} DONE: ret;
CONSUME: ${wait('full', 0)} ld.shared.b32 %r1, [%r21]; ${arrive('empty')} ${wait('full', 1)} ld.shared.b32 %r1, [%r21];`,
      {},
    );
    const hasty = `${start} st.shared.b32 [%r20], 1; bar.warp.sync -1; @!%p11 bra E; ${arrive('full')} E: bar.warp.sync -1;
st.shared.b32 [%r20], 2; ret;
CONSUME: ${wait('full', 0)} ld.shared.b32 %r1, [%r21];`;
    expect(run(hasty)[0]).toMatchObject({ kind: 'shared-hazard' });
  });

  test('an mbarrier is initialised before anybody uses it, and once', () => {
    const body = `${init('full', 64)} bar.sync 0; ${arrive('full')}`;
    needs(body, { 'bar.sync 0;': /shared-hazard: update after write|mbarrier-misuse/ });
    expect(run(`${init('full', 64)} ${init('full', 64)}`)[0]).toMatchObject({
      kind: 'mbarrier-misuse',
      detail: 'initialises what is an mbarrier already, with no mbarrier.inval between',
    });
    expect(
      run(`${init('full', 64)} @%p11 mbarrier.inval.shared::cta.b64 [full]; ${init('full', 64)}`),
    ).toEqual([]);
  });
});

describe('atomics on shared memory', () => {
  test('race with plain accesses, not with each other', () => {
    const body = `@%p11 st.shared.b32 [smem], 0; bar.sync 1; red.shared.add.u32 [smem], 1; bar.sync 0; ld.shared.b32 %r1, [smem];`;
    needs(body, {
      'bar.sync 0;': /shared-hazard: read after update: (several threads|thread number \d+) updated it/,
      'bar.sync 1;': /shared-hazard: update after write: thread number 0 wrote it/,
    });
    expect(run(`${body} red.shared.add.u32 [smem], 1;`)[0]!.detail).toMatch(
      /update after read|read after update/,
    );
    expect(
      run(`${body} bar.sync 0; red.shared.add.u32 [smem], 1; st.shared.b32 [smem], 3;`, { block: 33 })[0]!
        .detail,
    ).toMatch(/(write after update|update after write)/);
  });

  test('release and acquire order what surrounds them; relaxed accesses only with fences', () => {
    const body = `@%p11 st.shared.b32 [smem+512], 0; bar.sync 0; @!%p10 bra CONSUME; @!%p11 bra DONE;
st.shared.b32 [smem], 7; st.release.cta.shared.b32 [smem+512], 1; DONE: ret;
CONSUME: ld.acquire.cta.shared.b32 %r1, [smem+512]; setp.eq.s32 %p2, %r1, 0; @%p2 bra CONSUME; ld.shared.b32 %r2, [smem];`;
    expect(run(body)).toEqual([]);
    const relaxed = body.replace('st.release', 'st.relaxed').replace('ld.acquire', 'ld.relaxed');
    expect(run(relaxed)).toMatchObject([{ kind: 'shared-hazard', offset: 0, count: 32 }]);
    expect(run(relaxed.replace('st.relaxed', 'fence.acq_rel.cta; st.relaxed'))).toEqual([]);
  });
});

describe('copies', () => {
  test('nobody may write where one is to land', () => {
    needs(`cp.async.ca.shared.global [%r20], [%rd0], 4; cp.async.wait_all; st.shared.b32 [%r20], 1;`, {
      'cp.async.wait_all;': /shared-hazard: writes what an asynchronous copy is still to fill/,
    });
  });

  test('nor over what one still reads', () => {
    needs(
      `st.shared.b32 [%r20], 1; fence.proxy.async.shared::cta; bar.sync 0; @!%p11 bra SKIP;
cp.async.bulk.global.shared::cta.bulk_group [%rd1], [smem], 256; cp.async.bulk.commit_group; cp.async.bulk.wait_group.read 0; SKIP:
bar.sync 1; st.shared.b32 [%r20], 2;`,
      {
        'cp.async.bulk.wait_group.read 0;': /shared-hazard: writes what an asynchronous copy still reads/,
        'bar.sync 1;': /shared-hazard: write(s what| after read)/,
        'bar.sync 0;': /shared-hazard: (read after write|write after read)/,
      },
    );
  });

  const load = `${init('full', 1)} bar.sync 0; @!%p11 bra SKIP; mbarrier.arrive.expect_tx.shared::cta.b64 _, [full], 256;
cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem], [%rd0], 256, [full]; SKIP:`;

  test('what lands is there for those that wait for its mbarrier, and those they tell', () => {
    needs(`${load} ${wait('full', 0)} ld.shared.b32 %r1, [%r21];`, {});
    needs(`${load} @!%p10 bra REST; ${wait('full', 0)} REST: bar.sync 2; ld.shared.b32 %r1, [%r21];`, {
      'bar.sync 2;': /read-before-wait|shared-hazard/,
    });
  });

  test('it has landed, but the reader never waited', () => {
    // Warp 0 waits, which makes the copy land; warp 1 only waits for warp 0's word that it is under way.
    const body = `${init('empty', 1)} ${load} @!%p10 bra LATE; @!%p11 bra W; ${arrive('empty')} W: ${wait('full', 0)} ret;
LATE: ${wait('empty', 0)} ld.volatile.shared.b32 %r2, [smem+512]; ld.shared.b32 %r1, [%r20];`;
    const reports = run(`@%p11 st.shared.b32 [smem+512], 1; ${body}`);
    expect(reports.map(({ kind }) => kind)).toEqual([
      expect.stringMatching(/read-before-wait|shared-hazard/),
    ]);
  });
});

describe('clusters', () => {
  const both = 'barrier.cluster.arrive; barrier.cluster.wait;';

  test("what many threads read of another block's memory may be overwritten after a cluster barrier", () => {
    needs(
      `mov.u32 %r1, %cluster_ctarank; xor.b32 %r2, %r1, 1; mapa.shared::cluster.u32 %r3, %r19, %r2; @%p11 st.shared.b32 [smem], %r1; ${both}
ld.shared::cluster.b32 %r4, [%r3]; barrier.cluster.arrive.release; barrier.cluster.wait.acquire; @%p11 st.shared.b32 [smem], 5;`,
      { 'barrier.cluster.arrive.release; barrier.cluster.wait.acquire;': /shared-hazard: write after read/ },
      { grid: 2, cluster: 2 },
    );
  });

  const peer = `mov.u32 %r1, %cluster_ctarank; xor.b32 %r2, %r1, 1; mapa.shared::cluster.u32 %r3, %r20, %r2; mov.u32 %r5, full; mapa.shared::cluster.u32 %r6, %r5, %r2;`;

  test('a block has begun before another reaches into it, and does not end before it has', () => {
    needs(
      `${peer} barrier.cluster.arrive; barrier.cluster.wait; st.shared::cluster.b32 [%r3], %r1; barrier.cluster.arrive.release; barrier.cluster.wait.acquire;`,
      {
        'barrier.cluster.arrive; barrier.cluster.wait;':
          /shared-hazard: reaches into the shared memory of rank [01], which may not have begun/,
        'barrier.cluster.arrive.release; barrier.cluster.wait.acquire;':
          /shared-hazard: reaches into the shared memory of rank [01], which (has ended|may end before this)/,
        'barrier.cluster.wait.acquire;': /shared-hazard: reaches .*, which (has ended|may end before this)/,
      },
      { grid: 2, cluster: 2 },
    );
  });

  test('an mbarrier tells a block of the last access to it', () => {
    const body = `${peer} ${init('full', 64)} fence.mbarrier_init.release.cluster; barrier.cluster.arrive; barrier.cluster.wait;
st.shared::cluster.b32 [%r3], %r1; mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r6]; ${wait('full', 0)} ld.shared.b32 %r7, [%r20];`;
    needs(body, {}, { grid: 2, cluster: 2 });
  });

  test('arrivals and waits take turns', () => {
    needs(
      `${both} barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;`,
      {
        'barrier.cluster.wait;': /divergent-barrier: arrives again, with no barrier.cluster.wait since/,
        'barrier.cluster.arrive.aligned;': /divergent-barrier: waits, with no barrier.cluster.arrive since/,
      },
      { grid: 2, cluster: 2 },
    );
  });
});

describe('blocks of a grid', () => {
  /** Each of two blocks writes its word, tells the other through a counter, and reads the other's. */
  const exchange = `mov.u32 %r1, %ctaid.x; xor.b32 %r2, %r1, 1; mul.wide.u32 %rd5, %r1, 4; add.s64 %rd6, %rd0, %rd5; mul.wide.u32 %rd7, %r2, 4; add.s64 %rd8, %rd0, %rd7;
st.global.b32 [%rd6], %r1; red.release.gpu.global.add.u32 [%rd1], 1;
SPIN: ld.acquire.gpu.global.b32 %r3, [%rd1]; setp.lt.u32 %p1, %r3, 2; @%p1 bra SPIN;
ld.global.b32 %r4, [%rd8]; st.global.b32 [%rd8+512], %r4;`;

  test('may read what another wrote after it was released and acquired', () => {
    needs(exchange, {}, { grid: 2, block: 1 });
    for (const weak of [
      exchange.replace('red.release', 'red.relaxed'),
      exchange.replace('ld.acquire', 'ld.relaxed'),
    ])
      expect(run(weak, { grid: 2, block: 1 })[0]).toMatchObject({
        kind: 'write-conflict',
        allocation: 'in',
        detail: expect.stringMatching(/reads what block number \d has written in the same launch/),
      });
  });

  test('that do not wait race the other way round: a place is written after it was read', () => {
    const hasty = exchange.replace('@%p1 bra SPIN;', '');
    expect(run(hasty, { grid: 2, block: 1 })).toMatchObject([
      {
        kind: 'write-conflict',
        block: [1, 0, 0],
        allocation: 'in',
        offset: 4,
        detail: 'writes what block number 0 has read in the same launch',
      },
    ]);
    const inPlace =
      'mov.u32 %r1, %ctaid.x; ld.global.b32 %r2, [%rd0]; setp.eq.s32 %p1, %r1, 2; @%p1 st.global.b32 [%rd0], 5;';
    expect(run(inPlace, { grid: 3, block: 1 })).toMatchObject([
      { kind: 'write-conflict', detail: 'writes what other blocks have read in the same launch' },
    ]);
    expect(run(inPlace, { grid: 2, block: 1 })).toEqual([]);
  });

  test('may write it too', () => {
    expect(
      run(exchange.replace('ld.global.b32 %r4, [%rd8];', 'st.global.b32 [%rd8], 9; mov.u32 %r4, 1;'), {
        grid: 2,
        block: 1,
      }),
    ).toEqual([]);
    expect(run('st.global.b32 [%rd0], %r0;', { grid: 2, block: 1 })).toMatchObject([
      { kind: 'write-conflict' },
    ]);
    expect(run('st.relaxed.gpu.global.b32 [%rd0], %r0;', { grid: 2, block: 1 })).toEqual([]);
  });

  test('the last block gathers what the others left', () => {
    const body = `mov.u32 %r1, %ctaid.x; mul.wide.u32 %rd5, %r1, 4; add.s64 %rd6, %rd0, %rd5; st.global.b32 [%rd6], 7; fence.acq_rel.gpu;
atom.global.add.u32 %r2, [%rd1], 1; setp.ne.s32 %p1, %r2, 3; @%p1 ret; fence.sc.gpu; ld.global.v4.b32 {%r3, %r4, %r5, %r6}, [%rd0];`;
    const conflict = /write-conflict: reads what block number 0/;
    needs(body, { 'fence.acq_rel.gpu;': conflict, 'fence.sc.gpu;': conflict }, { grid: 4, block: 1 });
  });

  test('are told by a relaxed access only what came before a fence, and learn of it at the next', () => {
    const relaxed = exchange
      .replace('red.release', 'fence.acq_rel.gpu; red.relaxed')
      .replace('ld.acquire', 'ld.relaxed')
      .replace('ld.global.b32 %r4', 'membar.gl; ld.global.b32 %r4');
    needs(
      relaxed,
      {
        'fence.acq_rel.gpu;': /write-conflict: reads what block number \d has written/,
        'membar.gl;': /write-conflict: reads what block number \d has written/,
      },
      { grid: 2, block: 1 },
    );
    for (const weak of [
      relaxed.replace('membar.gl', 'membar.cta'),
      relaxed.replace('fence.acq_rel.gpu', 'fence.acq_rel.cta'),
      exchange.replace('ld.acquire.gpu', 'ld.acquire.cta'),
      // The fence comes after the observation that another block makes of what was written.
      relaxed.replace('membar.gl; ', '').replace('SPIN:', 'membar.gl; SPIN:'),
      relaxed
        .replace('fence.acq_rel.gpu; red.relaxed', 'red.relaxed')
        .replace('st.global', 'fence.sc.gpu; st.global'),
    ])
      expect(run(weak, { grid: 2, block: 1 })[0]).toMatchObject({ kind: 'write-conflict', allocation: 'in' });
  });

  test('one thread tells and learns for all that met it at a barrier', () => {
    const body = `mov.u32 %r1, %ctaid.x; mad.lo.u32 %r2, %r1, 64, %r0; mul.wide.u32 %rd5, %r2, 4; add.s64 %rd6, %rd0, %rd5; xor.b32 %r2, %r2, 64; mul.wide.u32 %rd7, %r2, 4; add.s64 %rd8, %rd0, %rd7;
st.global.b32 [%rd6], %r1; fence.acq_rel.gpu; bar.sync 0; @!%p11 bra MET; red.relaxed.gpu.global.add.u32 [%rd1], 1;
SPIN: ld.volatile.global.b32 %r3, [%rd1]; setp.lt.u32 %p1, %r3, 2; @%p1 bra SPIN; fence.acq_rel.gpu;
MET: bar.sync 1; ld.global.b32 %r4, [%rd8]; st.global.b32 [%rd1+512], %r4;`;
    expect(run(body.replace(' st.global.b32 [%rd1+512], %r4;', ''), { grid: 2 })).toEqual([]);
    const unmet = body.replace('bar.sync 0;', '').replace('fence.acq_rel.gpu; @!%p11', '@!%p11');
    expect(run(unmet.replace('red.relaxed', 'red.release'), { grid: 2 })[0]).toMatchObject({
      kind: 'write-conflict',
    });
  });

  test('a release tells nothing of what other blocks did', () => {
    // Block 1 writes and tells nobody; block 0 releases afterwards, and block 2 acquires that.
    const body = `mov.u32 %r1, %ctaid.x; setp.eq.s32 %p1, %r1, 1; @!%p1 bra OTHERS; st.global.b32 [%rd0], 5; red.relaxed.gpu.global.add.u32 [%rd1+4], 1; ret;
OTHERS: setp.eq.s32 %p2, %r1, 0; @!%p2 bra THIRD;
FIRST: ld.relaxed.gpu.global.b32 %r2, [%rd1+4]; setp.eq.s32 %p3, %r2, 0; @%p3 bra FIRST; red.release.gpu.global.add.u32 [%rd1], 1; ret;
THIRD: ld.acquire.gpu.global.b32 %r3, [%rd1]; setp.eq.s32 %p4, %r3, 0; @%p4 bra THIRD; ld.global.b32 %r4, [%rd0];`;
    expect(run(body, { grid: 3, block: 1 })).toMatchObject([
      {
        kind: 'write-conflict',
        block: [2, 0, 0],
        detail: 'reads what block number 1 has written in the same launch',
      },
    ]);
    const told = body.replace('red.relaxed', 'red.release').replace('ld.relaxed', 'ld.acquire');
    expect(run(told, { grid: 3, block: 1 })).toEqual([]);
  });

  test('a counter of those who leave does not hide that the wait before it was relaxed', () => {
    const leaving = exchange.replace(
      'ld.global.b32 %r4',
      'atom.acq_rel.gpu.global.add.u32 %r5, [%rd1+4], 1; ld.global.b32 %r4',
    );
    expect(run(leaving, { grid: 2, block: 1 })).toEqual([]);
    const arrived = leaving.replace(
      'red.release.gpu.global.add.u32 [%rd1], 1',
      'atom.acq_rel.gpu.global.add.u32 %r6, [%rd1], 1',
    );
    expect(run(arrived, { grid: 2, block: 1 })).toEqual([]);
    for (const good of [leaving, arrived])
      expect(run(good.replace('ld.acquire', 'ld.relaxed'), { grid: 2, block: 1 })[0]).toMatchObject({
        kind: 'write-conflict',
        allocation: 'in',
      });
  });

  test('of a cluster know what was written before their barrier', () => {
    needs(
      `mov.u32 %r1, %ctaid.x; mul.wide.u32 %rd5, %r1, 4; add.s64 %rd6, %rd0, %rd5; st.global.b32 [%rd6], 7; barrier.cluster.arrive; barrier.cluster.wait; ld.global.v2.b32 {%r3, %r4}, [%rd0];`,
      { 'barrier.cluster.arrive; barrier.cluster.wait;': /write-conflict: reads/ },
      { grid: 2, cluster: 2, block: 1 },
    );
  });

  test('as many run at once as threads, shared memory and registers let', () => {
    const wide = (registersPerThread: number) =>
      run(exchange.replace('%r3, 2;', '%r3, 8;'), {
        grid: 8,
        block: 1,
        multiprocessors: 1,
        checks: 'none',
        registersPerThread,
      });
    expect(wide(255)).toEqual([]);
    const big = { grid: 8, block: 512, multiprocessors: 2, checks: 'none' } as const;
    const all = exchange.replace('%r3, 2;', '%r3, 4096;');
    expect(run(all, { ...big, registersPerThread: 32 })).toEqual([]);
    expect(run(all, { ...big, registersPerThread: 64 })[0]).toMatchObject({
      kind: 'not-co-resident',
      detail: 'the grid waits for blocks that cannot start: only 4 fit on the device at once',
    });
  });
});
