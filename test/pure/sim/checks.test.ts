import { describe, expect, test } from '@jest/globals';
import { SimMemory, compileKernel, formatReport, parsePtx, simulate } from '../../../src/sim/index.js';
import type { LaunchOptions, SimReport } from '../../../src/sim/index.js';
import { kernelText } from './harness.js';

const SHARED = '.shared .align 16 .b8 smem[256];';

/** Runs a kernel over in (64 words, an input) and out (a 4 x 16 tensor of f32). */
function run(body: string, options: Partial<LaunchOptions> = {}, extra = ''): SimReport[] {
  const memory = new SimMemory();
  const input = memory.alloc(256, { name: 'in', readonly: true });
  memory.fill(input, 1);
  const tensor = { dtype: 'f32', bytes: 4, shape: [4, 16], strides: [16, 1] };
  const out = memory.alloc(256, { name: 'out', tensor });
  const kernel = compileKernel(parsePtx(kernelText(body, 2, extra), 'rose/k.ptx'));
  return [...simulate(kernel, { grid: 1, block: 64, args: [input, out], memory, ...options }).reports];
}

const index = 'mul.wide.u32 %rd10, %r0, 4; add.s64 %rd11, %rd1, %rd10; add.s64 %rd12, %rd0, %rd10;';

describe('global memory', () => {
  test('a clean kernel has no report', () => {
    expect(run(`${index} ld.global.b32 %r1, [%rd12]; st.global.b32 [%rd11], %r1;`)).toEqual([]);
  });

  test('one element past the end is out of bounds, told with the tensor element', () => {
    const reports = run(`${index}\nst.global.b32 [%rd11+4], %r0;`);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({
      kind: 'out-of-bounds',
      kernel: 'k',
      allocation: 'out',
      offset: 256,
      element: 'out[4, 0]',
      block: [0, 0, 0],
      thread: [63, 0, 0],
      ptx: 'st.global.b32 [%rd11+4], %r0;',
      count: 1,
    });
    expect(formatReport(reports[0]!)).toMatch(/out-of-bounds in k: writes 4 bytes at byte 256 of "out"/);
  });

  test('one byte before the start belongs to the same buffer', () => {
    expect(run(`${index} ld.global.b8 %r1, [%rd0+-1];`)[0]).toMatchObject({
      kind: 'out-of-bounds',
      allocation: 'in',
      offset: -1,
    });
  });

  test('an address without a buffer', () => {
    expect(run('mov.u64 %rd5, 64; ld.global.b32 %r1, [%rd5];')[0]!.detail).toMatch(/belongs to no buffer/);
  });

  test('a vector access must be aligned to its whole width', () => {
    const [report] = run('ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%rd0+8];');
    expect(report).toMatchObject({ kind: 'misaligned', allocation: 'in', offset: 8 });
    expect(run('ld.global.v2.b32 {%r1, %r2}, [%rd0+8];')).toEqual([]);
  });

  test('reading what nobody wrote, to the byte', () => {
    const body =
      'mov.u16 %rs1, 7; st.global.b16 [%rd1+6], %rs1; ld.global.b16 %rs2, [%rd1+6]; ld.global.b32 %r1, [%rd1+4];';
    const reports = run(body, { block: 1 });
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({ kind: 'uninitialised-read', offset: 4, element: 'out[0, 1]' });
  });

  test('writing an input', () => {
    expect(run('st.global.b32 [%rd0], %r0;', { block: 1 })[0]).toMatchObject({
      kind: 'write-to-input',
      allocation: 'in',
    });
    expect(run('red.global.add.u32 [%rd0], 1;', { block: 1 })[0]).toMatchObject({ kind: 'write-to-input' });
  });

  test('two blocks that write the same place; not two threads of one, and not atomics', () => {
    const same = 'st.global.b32 [%rd1], %r0;';
    expect(run(same, { grid: 2 })[0]).toMatchObject({
      kind: 'write-conflict',
      block: [1, 0, 0],
      element: 'out[0, 0]',
    });
    expect(run(same, { grid: 1 })).toEqual([]);
    expect(run('red.global.add.u32 [%rd0], 0;', { grid: 2, checks: { conflicts: true } })).toEqual([]);
  });

  test('what the previous kernel writes may be read only after the wait', () => {
    const memory = new SimMemory();
    const buffers = ['a', 'b'].map((name) => {
      const buffer = memory.alloc(256, { name });
      memory.fill(buffer, 0);
      return buffer;
    });
    const launch = (body: string): readonly SimReport[] =>
      simulate(compileKernel(parsePtx(kernelText(body))), {
        grid: 1,
        block: 1,
        args: buffers,
        memory,
        pending: [buffers[0]!],
      }).reports;
    const early = launch('ld.global.b32 %r1, [%rd1]; ld.global.b32 %r1, [%rd0]; griddepcontrol.wait;');
    expect(early).toHaveLength(1);
    expect(early[0]).toMatchObject({ kind: 'read-before-dependency', allocation: 'a' });
    expect(launch('ld.global.b32 %r1, [%rd1]; griddepcontrol.wait; ld.global.b32 %r1, [%rd0];')).toEqual([]);
  });

  test('each check can be off; bounds never are', () => {
    const body = 'ld.global.b32 %r1, [%rd1]; st.global.b32 [%rd0], %r1; st.global.b32 [%rd1+256], %r1;';
    expect(run(body, { block: 1, checks: 'none' }).map(({ kind }) => kind)).toEqual(['out-of-bounds']);
    expect(run(body, { block: 1, checks: { initialisation: true } }).map(({ kind }) => kind)).toEqual([
      'uninitialised-read',
      'out-of-bounds',
    ]);
  });

  test('a tensor beyond 2^31 elements costs only what is touched', () => {
    const memory = new SimMemory();
    const bytes = 3 * 2 ** 32;
    const big = memory.alloc(bytes, {
      name: 'big',
      tensor: { dtype: 'bf16', bytes: 2, shape: [3, 2 ** 31], strides: [2 ** 31, 1] },
    });
    const kernel = compileKernel(
      parsePtx(
        kernelText('st.global.b32 [%rd1], 77; ld.global.b32 %r1, [%rd1]; st.global.b32 [%rd1+4], %r1;'),
      ),
    );
    const at = (offset: number): readonly SimReport[] =>
      simulate(kernel, { grid: 1, block: 1, args: [big, { buffer: big, offset }], memory }).reports;
    expect(at(2 ** 33 + 2 ** 31)).toEqual([]);
    expect([...new Uint32Array(memory.read(big, 8, 2 ** 33 + 2 ** 31).buffer)]).toEqual([77, 77]);
    expect(at(bytes - 4)[0]).toMatchObject({ kind: 'out-of-bounds', offset: bytes });
    expect(at(2 ** 33 - 4)).toEqual([]); // across a 4 GiB edge
  });
});

describe('shared memory', () => {
  const address =
    'mov.u32 %r20, smem; shl.b32 %r21, %r0, 2; add.s32 %r22, %r20, %r21; xor.b32 %r23, %r21, 128; add.s32 %r24, %r20, %r23;';
  const exchange = (barrier: string): string =>
    `${address} st.shared.b32 [%r22], %r0; ${barrier} ld.shared.b32 %r1, [%r24]; ${index} st.global.b32 [%rd11], %r1;`;

  test('a barrier orders an exchange; without it the read races', () => {
    expect(run(exchange('bar.sync 0;'), {}, SHARED)).toEqual([]);
    const reports = run(exchange(''), {}, SHARED);
    expect(reports.map(({ kind }) => kind)).toContain('shared-hazard');
    expect(reports.find(({ kind }) => kind === 'shared-hazard')!.detail).toMatch(
      /read after write|write after read/,
    );
  });

  test('write after read needs a barrier too', () => {
    const twice = `${exchange('bar.sync 0;')} @BAR@ st.shared.b32 [%r22], 5;`;
    expect(run(twice.replace('@BAR@', 'bar.sync 0;'), {}, SHARED)).toEqual([]);
    expect(run(twice.replace('@BAR@', ''), {}, SHARED)[0]).toMatchObject({ kind: 'shared-hazard' });
  });

  test('write after read by many threads', () => {
    const body = `${address} st.shared.b32 [%r22], %r0; bar.sync 0; ld.shared.b32 %r1, [smem]; @BAR@ setp.ne.s32 %p1, %r0, 3; @%p1 bra E; st.shared.b32 [smem], 5; E:`;
    expect(run(body.replace('@BAR@', 'bar.sync 0;'), {}, SHARED)).toEqual([]);
    expect(run(body.replace('@BAR@', ''), {}, SHARED)[0]!.detail).toMatch(/write after read/);
  });

  test('two writers of one place', () => {
    expect(run('st.shared.b32 [smem], %r0;', {}, SHARED)[0]!.detail).toMatch(/write after write/);
    expect(run('st.shared.b32 [smem], %r0;', { block: 1 }, SHARED)).toEqual([]);
  });

  test('a warp barrier orders its warp and no other', () => {
    const neighbour = address.replace('128', '4');
    const within = (far: string): string =>
      `${neighbour.replace('%r21, 4', `%r21, ${far}`)} st.shared.b32 [%r22], %r0; bar.warp.sync -1; ld.shared.b32 %r1, [%r24];`;
    expect(run(within('4'), {}, SHARED)).toEqual([]);
    expect(run(within('128'), {}, SHARED)[0]).toMatchObject({ kind: 'shared-hazard' });
  });

  test('bounds, alignment and initialisation', () => {
    expect(run('ld.shared.b32 %r1, [smem+256];', { block: 1 }, SHARED)[0]).toMatchObject({
      kind: 'out-of-bounds',
      offset: 256,
    });
    expect(run('st.shared.v2.b32 [smem+4], {%r0, %r0};', { block: 1 }, SHARED)[0]).toMatchObject({
      kind: 'misaligned',
    });
    expect(run('ld.shared.b32 %r1, [smem+16];', { block: 1 }, SHARED)[0]).toMatchObject({
      kind: 'uninitialised-read',
      offset: 16,
    });
    // Initialised by one block does not mean initialised for the next.
    const body =
      'mov.u32 %r5, %ctaid.x; setp.ne.s32 %p1, %r5, 0; @!%p1 st.shared.b32 [smem], 1; @%p1 ld.shared.b32 %r1, [smem];';
    expect(run(body, { block: 1, grid: 2 }, SHARED)[0]).toMatchObject({
      kind: 'uninitialised-read',
      block: [1, 0, 0],
    });
  });
});

describe('registers', () => {
  const use = `${index} st.global.b32 [%rd11], %r1;`;

  test('one that is written on some paths only', () => {
    const some = `setp.lt.s32 %p1, %r0, 5; @!%p1 bra SKIP; mov.u32 %r1, 7; SKIP: ${use}`;
    expect(run(some)[0]).toMatchObject({ kind: 'uninitialised-read', thread: [5, 0, 0], count: 59 });
    expect(run(some)[0]!.detail).toMatch(/register %r1/);
    expect(run(some.replace('@!%p1 bra SKIP;', ''))).toEqual([]);
  });

  test('across a barrier, under a guard, and through a move that is dropped', () => {
    expect(run(`setp.lt.s32 %p1, %r0, 5; @%p1 mov.u32 %r1, 7; bar.sync 0; ${use}`)[0]).toMatchObject({
      count: 59,
    });
    const moved = `setp.lt.s32 %p1, %r0, 5; @%p1 mov.u32 %r2, 7; mov.u32 %r1, 3; selp.b32 %r1, %r2, %r1, %p1; ${use}`;
    expect(run(moved)).toEqual([]);
  });
});

describe('convergence', () => {
  const half = 'and.b32 %r5, %r0, 16; setp.eq.s32 %p1, %r5, 0;';

  test('a shuffle that half of its mask never reaches', () => {
    const [report] = run(`${half} @%p1 shfl.sync.bfly.b32 %r1, %r0, 1, 31, -1; @!%p1 bar.sync 0;`);
    expect(report).toMatchObject({ kind: 'divergent-shuffle' });
    expect(report!.detail).toMatch(/16 threads|32 threads/);
  });

  test('a shuffle with the right mask is fine in a branch; reading a lane outside is not', () => {
    expect(run(`${half} @%p1 shfl.sync.bfly.b32 %r1, %r0, 1, 31, 65535;`)).toEqual([]);
    expect(run(`${half} @%p1 shfl.sync.bfly.b32 %r1, %r0, 16, 31, 65535;`)[0]!.detail).toMatch(
      /reads lane \d+, which does not take part/,
    );
  });

  test('a barrier that some threads never reach', () => {
    const [report] = run('setp.lt.s32 %p1, %r0, 32; @%p1 bar.sync 1, 64; @!%p1 bar.sync 2, 64;');
    expect(report).toMatchObject({ kind: 'deadlock' });
    expect(report!.detail).toMatch(/32 threads at barrier .* 32 threads at barrier/);
  });

  test('lanes of one warp at two barriers', () => {
    const [report] = run(`${half} @%p1 bar.sync 0; @!%p1 bar.sync 0;`);
    expect(report).toMatchObject({ kind: 'divergent-barrier' });
  });

  test('threads that have ended are not waited for', () => {
    expect(run('setp.ge.s32 %p1, %r0, 32; @%p1 ret; bar.sync 0;')).toEqual([]);
  });

  test('trap', () => {
    expect(run('setp.eq.s32 %p1, %r0, 5; @%p1 trap;')[0]).toMatchObject({ kind: 'trap', thread: [5, 0, 0] });
  });
});

describe('limits and bad launches', () => {
  test('a loop that never ends reaches the step limit', () => {
    expect(() =>
      run('mov.u32 %r1, 0; L: add.s32 %r1, %r1, 1; bra L;', { limits: { steps: 10_000 } }),
    ).toThrow(expect.objectContaining({ code: 'SIM_LIMIT' }));
  });

  test('faults can be thrown', () => {
    expect(() => run('st.global.b32 [%rd1+256], %r0;', { throwOnFault: true })).toThrow(
      expect.objectContaining({ code: 'SIM_FAULT', message: expect.stringContaining('out-of-bounds in k') }),
    );
  });

  test.each([
    ['a block of the wrong size', { block: 2048 }],
    ['an empty grid', { grid: 0 }],
    ['a grid that is no multiple of the cluster', { grid: 3, cluster: 2 }],
    ['too few arguments', { args: [1] }],
  ])('%s is refused', (_what, options) => {
    expect(() => run('', options as Partial<LaunchOptions>)).toThrow(
      expect.objectContaining({ code: 'LAUNCH_GUARD' }),
    );
  });

  test('too little memory', () => {
    expect(() => new SimMemory(1000).alloc(4096)).toThrow(expect.objectContaining({ code: 'SIM_LIMIT' }));
  });
});
