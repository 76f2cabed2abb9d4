import { describe, expect, test } from '@jest/globals';
import { SimMemory, compileKernel, formatReport, parsePtx, simulate } from '../../../src/sim/index.js';
import type { FaultKind, LaunchOptions, SimReport } from '../../../src/sim/index.js';
import { kernelText } from './harness.js';

const DECLARATIONS = `.file 1 "rose/k.py"
.shared .align 16 .b8 smem[256];
.shared .align 8 .b8 bar[8];`;
const PLACES = `mul.wide.u32 %rd10, %r0, 4; add.s64 %rd11, %rd1, %rd10; mov.u32 %r19, smem; shl.b32 %r18, %r0, 2; add.s32 %r20, %r19, %r18;`;

/** A line of a kernel with its fault, after what leads there; it comes from line 40 of the module. */
function faulty(before: string, line: string, after = ''): string {
  return kernelText(`${PLACES}\n${before}\n.loc 1 40 9\n${line}\n.loc 1 41 9\n${after}`, 2, DECLARATIONS);
}

/** Runs it over `in`, 64 words that are an input, and `out`, 4 x 16 words that nobody has written. */
function run(text: string, options: Partial<LaunchOptions> = {}): readonly SimReport[] {
  const memory = new SimMemory();
  const input = memory.alloc(256, {
    name: 'in',
    readonly: true,
    tensor: { dtype: 'f32', bytes: 4, shape: [64], strides: [1] },
  });
  memory.fill(input, 1);
  const tensor = { dtype: 'f32', bytes: 4, shape: [4, 16], strides: [16, 1] };
  const out = memory.alloc(256, { name: 'out', tensor });
  const pending = options.pending ? { pending: [input] } : {};
  const launch = { grid: 1, block: 64, args: [input, out], memory, ...options, ...pending };
  return simulate(compileKernel(parsePtx(text, 'rose/k.ptx')), launch).reports;
}

interface Fault {
  readonly kind: FaultKind;
  readonly what: string;
  readonly before?: string;
  readonly line: string;
  readonly after?: string;
  readonly options?: Partial<LaunchOptions>;
  readonly report: Omit<SimReport, 'kind' | 'kernel' | 'ptx' | 'ptxLine' | 'moduleFile' | 'moduleLine'>;
}

const one = { block: [0, 0, 0], thread: [0, 0, 0], count: 1 } as const;

const FAULTS: readonly Fault[] = [
  {
    kind: 'out-of-bounds',
    what: 'a store one past the end',
    line: 'st.global.b32 [%rd11+4], %r0;',
    report: {
      ...one,
      detail: 'writes 4 bytes at byte 256 of "out", which has 256 bytes',
      thread: [63, 0, 0],
      address: '0x2000000100',
      allocation: 'out',
      offset: 256,
      element: 'out[4, 0]',
    },
  },
  {
    kind: 'misaligned',
    what: 'a vector load at half of its width',
    line: 'ld.global.v2.b32 {%r1, %r2}, [%rd0+12];',
    options: { block: 1 },
    report: {
      ...one,
      detail: 'reads 8 bytes at an address that is not a multiple of 8',
      address: '0x100000000c',
      allocation: 'in',
      offset: 12,
      element: 'in[3]',
    },
  },
  {
    kind: 'uninitialised-read',
    what: 'an output read before it is written',
    line: 'ld.global.b32 %r1, [%rd1+76];',
    report: {
      ...one,
      detail: 'reads global memory that nobody has written',
      address: '0x200000004c',
      allocation: 'out',
      offset: 76,
      element: 'out[1, 3]',
      count: 64,
    },
  },
  {
    kind: 'uninitialised-read',
    what: 'shared memory',
    line: 'ld.shared.b32 %r1, [smem+8];',
    options: { block: 1 },
    report: {
      ...one,
      detail: 'reads shared memory that nobody has written',
      allocation: 'shared memory',
      offset: 8,
    },
  },
  {
    kind: 'uninitialised-read',
    what: 'a register',
    before: 'setp.ne.s32 %p1, %r0, 5; @%p1 mov.u32 %r1, 3;',
    line: 'st.global.b32 [%rd11], %r1;',
    report: { ...one, detail: 'reads the register %r1, which nothing has written', thread: [5, 0, 0] },
  },
  {
    kind: 'shared-hazard',
    what: 'a word read with no barrier after it was written',
    before: 'setp.eq.s32 %p1, %r0, 0; @%p1 st.shared.b32 [smem+28], 1;',
    line: 'ld.shared.b32 %r1, [smem+28];',
    report: {
      ...one,
      detail: 'read after write: thread number 0 wrote it with no barrier between',
      thread: [1, 0, 0],
      allocation: 'shared memory',
      offset: 28,
      count: 63,
    },
  },
  {
    kind: 'write-conflict',
    what: 'two blocks at one place',
    line: 'st.global.b32 [%rd1+20], %r0;',
    options: { grid: [1, 2], block: 1 },
    report: {
      ...one,
      detail: 'writes what block number 0 has written in the same launch',
      block: [0, 1, 0],
      address: '0x2000000014',
      allocation: 'out',
      offset: 20,
      element: 'out[0, 5]',
    },
  },
  {
    kind: 'write-to-input',
    what: 'a store to an input',
    line: 'st.global.b32 [%rd0+4], %r0;',
    options: { block: 1 },
    report: {
      ...one,
      detail: 'writes "in", which is an input',
      address: '0x1000000004',
      allocation: 'in',
      offset: 4,
      element: 'in[1]',
    },
  },
  {
    kind: 'read-before-dependency',
    what: "the previous kernel's output",
    line: 'ld.global.b32 %r1, [%rd0+8];',
    after: 'griddepcontrol.wait; ld.global.b32 %r1, [%rd0+8];',
    options: { block: [2, 2], pending: [] },
    report: {
      ...one,
      detail: 'reads "in" before griddepcontrol.wait, while the previous kernel may still write it',
      address: '0x1000000008',
      allocation: 'in',
      offset: 8,
      element: 'in[2]',
      count: 4,
    },
  },
  {
    kind: 'read-before-wait',
    what: 'a copy that is under way',
    before: 'cp.async.ca.shared.global [%r20], [%rd0], 4; cp.async.commit_group;',
    line: 'ld.shared.b32 %r1, [%r20];',
    report: {
      ...one,
      detail: 'reads what an asynchronous copy has not brought yet',
      allocation: 'shared memory',
      offset: 0,
      count: 64,
    },
  },
  {
    kind: 'divergent-barrier',
    what: 'lanes of a warp at two barriers',
    before: 'and.b32 %r5, %r0, 1; setp.ne.s32 %p1, %r5, 0; @%p1 bra ODD; bar.sync 0; bra DONE;',
    line: 'ODD: bar.sync 0;',
    after: 'DONE:',
    options: { block: 32 },
    report: {
      ...one,
      detail:
        'lanes of one warp come to this barrier by different instructions (the other is at PTX line @OTHER@)',
      thread: [1, 0, 0],
    },
  },
  {
    kind: 'divergent-shuffle',
    what: 'a shuffle that reads a lane outside its mask',
    before: 'setp.lt.u32 %p1, %r0, 16;',
    line: '@%p1 shfl.sync.down.b32 %r1, %r0, 1, 31, 65535;',
    options: { block: 32 },
    report: { ...one, detail: 'reads lane 16, which does not take part', thread: [15, 0, 0] },
  },
  {
    kind: 'deadlock',
    what: 'a barrier that half of the threads never reach',
    before: 'setp.lt.u32 %p1, %r0, 32;',
    line: '@%p1 bar.sync 3, 64;',
    after: '@!%p1 bar.sync 4, 64;',
    report: {
      ...one,
      detail:
        'the threads wait for each other for ever: 32 threads at barrier (PTX line @LINE@), 32 threads at barrier (PTX line @NEXT@)',
    },
  },
  {
    kind: 'not-co-resident',
    what: 'a grid that waits for blocks which cannot start',
    before: 'red.global.add.u32 [%rd1], 1; SPIN:',
    line: 'ld.acquire.gpu.global.b32 %r1, [%rd1];',
    after: 'setp.lt.u32 %p1, %r1, 3072; @%p1 bra SPIN;',
    options: { grid: 3, block: 1024, multiprocessors: 1, checks: 'none' },
    report: {
      ...one,
      detail: 'the grid waits for blocks that cannot start: only 2 fit on the device at once',
    },
  },
  {
    kind: 'mbarrier-misuse',
    what: 'an arrival where there is no mbarrier',
    before: 'st.shared.b64 [bar], 0;',
    line: 'mbarrier.arrive.shared::cta.b64 %rd5, [bar];',
    options: { block: 1 },
    report: {
      ...one,
      detail: 'arrives at a place in shared memory that is not an initialised mbarrier',
      address: '0x500',
      allocation: 'shared memory',
      offset: 256,
    },
  },
  {
    kind: 'trap',
    what: 'a trap',
    before: 'setp.eq.s32 %p1, %r0, 9;',
    line: '@%p1 trap;',
    report: { ...one, detail: 'the kernel traps', thread: [9, 0, 0] },
  },
];

describe('every kind of fault, told exactly', () => {
  test.each(FAULTS)('$kind: $what', ({ kind, before = '', line, after = '', options, report }) => {
    const text = faulty(before, line, after);
    const lines = text.split('\n');
    const ptxLine = lines.indexOf(line) + 1;
    const detail = report.detail
      .replace('@LINE@', `${ptxLine}`)
      .replace('@NEXT@', `${ptxLine + 2}`)
      .replace('@OTHER@', `${lines.findIndex((each) => each.includes('bra DONE')) + 1}`);
    const expected = {
      ...report,
      ...{ kind, kernel: 'k', detail, ptx: line, ptxLine, moduleFile: 'rose/k.py', moduleLine: 40 },
    };
    expect(run(text, options)).toEqual([expected]);
    expect(formatReport(expected)).toContain(`rose/k.py:40; PTX line ${ptxLine}: ${line}`);
  });

  test('there is one for each kind', () => {
    const kinds: Readonly<Record<FaultKind, true>> = {
      'out-of-bounds': true,
      misaligned: true,
      'uninitialised-read': true,
      'shared-hazard': true,
      'write-conflict': true,
      'write-to-input': true,
      'read-before-dependency': true,
      'read-before-wait': true,
      'divergent-barrier': true,
      'divergent-shuffle': true,
      deadlock: true,
      'not-co-resident': true,
      'mbarrier-misuse': true,
      trap: true,
    };
    expect(new Set(FAULTS.map(({ kind }) => kind))).toEqual(new Set(Object.keys(kinds)));
  });

  test.each([
    ['initialisation', 'uninitialised-read'],
    ['hazards', 'shared-hazard'],
    ['conflicts', 'write-conflict'],
    ['inputs', 'write-to-input'],
    ['convergence', 'divergent-barrier'],
    ['convergence', 'divergent-shuffle'],
    ['dependency', 'read-before-dependency'],
    ['asynchronous', 'read-before-wait'],
    ['asynchronous', 'mbarrier-misuse'],
  ] as const)('the check "%s" alone finds %s, and nothing without it', (check, kind) => {
    for (const { before = '', line, after = '', options } of FAULTS.filter((fault) => fault.kind === kind)) {
      const text = faulty(before, line, after);
      const found = run(text, { ...options, checks: { [check]: true } });
      expect(found.map((report) => report.kind)).toEqual([kind]);
      expect(run(text, { ...options, checks: 'none' })).toEqual([]);
    }
  });
});

describe('limits', () => {
  const limited = { limits: { steps: 10_000 } };

  test.each([
    ['a loop that never ends', 'L: add.s32 %r1, %r0, 1; bra L;'],
    ['a loop over a barrier that never ends', 'L: bar.sync 0; bra L;'],
    ['a loop over a shuffle that never ends', 'L: shfl.sync.bfly.b32 %r1, %r0, 1, 31, -1; bra L;'],
  ])('%s', (_what, line) => {
    const text = faulty('', line);
    let error: unknown;
    try {
      run(text, limited);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({
      code: 'SIM_LIMIT',
      message: 'k runs longer than the step limit allows',
      place: { file: 'rose/k.ptx', line: text.split('\n').indexOf(line) + 1, text: line },
      actual: expect.stringMatching(/^block \(0, 0, 0\), thread \(\d+, 0, 0\) is still in this loop$/),
    });
  });

  test('a loop that faults for ever ends soon, and with what it did', () => {
    const text = faulty('ld.param.u64 %rd1, [p0];', 'L: st.global.b32 [%rd1+4096], %r0; bra L;');
    expect(() => run(text, { limits: { steps: 1_000_000 } })).toThrow(
      expect.objectContaining({
        code: 'SIM_LIMIT',
        detail: expect.stringMatching(/^out-of-bounds in k: .* \d+ times$/m),
      }),
    );
  });

  test('too little memory, at the allocation or when a sparse buffer is touched', () => {
    expect(() => new SimMemory(1000).alloc(4096, { name: 'big' })).toThrow(
      expect.objectContaining({ code: 'SIM_LIMIT', message: expect.stringContaining('"big"') }),
    );
    const memory = new SimMemory(3 * 2 ** 20);
    const sparse = memory.alloc(2 ** 33, { name: 'sparse' });
    memory.write(sparse, new Uint8Array(4), 2 ** 32);
    expect(() => {
      memory.write(sparse, new Uint8Array(4), 2 ** 31);
    }).toThrow(expect.objectContaining({ code: 'SIM_LIMIT' }));
    memory.free(sparse);
    expect(memory.alloc(2 ** 20).bytes).toBe(2 ** 20);
  });

  test('an unknown instruction, with its line and column', () => {
    const line = 'wgmma.fence.sync.aligned;';
    const text = faulty('', `  ${line}`);
    expect(() => compileKernel(parsePtx(text, 'rose/k.ptx'))).toThrow(
      expect.objectContaining({
        code: 'PTX_UNSUPPORTED',
        actual: 'wgmma.fence.sync.aligned',
        place: expect.objectContaining({
          file: 'rose/k.ptx',
          line: text.split('\n').indexOf(`  ${line}`) + 1,
          column: 3,
        }),
      }),
    );
  });

  test('a fault beyond 2^31 elements names its element', () => {
    const memory = new SimMemory();
    const [rows, columns] = [3, 2 ** 31];
    const tensor = { dtype: 'bf16', bytes: 2, shape: [rows, columns], strides: [columns, 1] };
    const big = memory.alloc(rows * columns * 2, { name: 'big', tensor });
    const element = 2 * columns + 70_000;
    const text = kernelText('ld.global.b16 %rs1, [%rd1];');
    const { reports } = simulate(compileKernel(parsePtx(text)), {
      grid: 1,
      block: 1,
      args: [0, { buffer: big, offset: element * 2 }],
      memory,
    });
    expect(reports).toMatchObject([
      { kind: 'uninitialised-read', element: 'big[2, 70000]', offset: element * 2, address: '0x12000222e0' },
    ]);
  });
});
