import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  BF16,
  E4M3,
  SimMemory,
  compileKernel,
  formatReport,
  narrow,
  parsePtx,
  simulate,
  widen,
} from '../../../src/sim/index.js';
import type { LaunchOptions, SimReport } from '../../../src/sim/index.js';
import { CompilePool } from '../../../src/toolchain/compile-pool.js';
import { ensureToolchain } from '../../../src/toolchain/toolchain.js';
import { MODULES, source } from './modules.js';
import type { ClassModule } from './class-module.js';
import type { ClassName } from './modules.js';

const ARCHS = ['sm_80', 'sm_90a', 'sm_100a'] as const;

let pool: CompilePool;
beforeAll(async () => {
  const { python } = await ensureToolchain();
  pool = new CompilePool({ python, workers: 1 });
}, 600_000);
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
});

interface Result {
  readonly out: ArrayBuffer;
  readonly b: ArrayBuffer;
  readonly reports: readonly SimReport[];
  readonly ptx: string;
}

/** Compiles a module and runs it; `b` and `out` start as zeros. */
async function run(
  name: ClassName,
  arch: string,
  a: ArrayBufferView,
  b: number | ArrayBufferView,
  outBytes: number,
  options: Partial<LaunchOptions> = {},
  edit: (ptx: string) => string = (ptx) => ptx,
): Promise<Result> {
  const module: ClassModule = MODULES[name];
  const { ptx } = await pool.compile({ name, source: source(module), arch });
  const memory = new SimMemory();
  const bytes = (view: ArrayBufferView): Uint8Array =>
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const input = memory.alloc(a.byteLength, { name: 'a', readonly: true });
  memory.write(input, bytes(a));
  const second = memory.alloc(typeof b === 'number' ? b : b.byteLength, { name: 'b' });
  if (typeof b === 'number') memory.fill(second, 0);
  else memory.write(second, bytes(b));
  const out = memory.alloc(outBytes, { name: 'out' });
  memory.fill(out, 0);
  const { reports } = simulate(compileKernel(parsePtx(edit(ptx), `rose/${name}.py`)), {
    grid: module.grid,
    block: module.block,
    cluster: module.cluster,
    dynamicSharedBytes: 4096,
    args: [input, second, out],
    memory,
    ...options,
  });
  return { out: memory.read(out).buffer, b: memory.read(second).buffer, reports, ptx };
}

const clean = ({ reports }: Result): void => {
  expect(reports.map(formatReport)).toEqual([]);
};
const THREES = new Int32Array(256).map((_, n) => 3 * n);
const cases = Object.entries(MODULES).flatMap(([name, module]: [string, ClassModule]) =>
  ARCHS.filter((arch) => !module.hopper || arch !== 'sm_80').map(
    (arch) => [name as ClassName, arch] as const,
  ),
);

describe('every class of instructions, as the toolchain emits it', () => {
  test.each(cases)('%s for %s holds the instructions it is here for', async (name, arch) => {
    const { ptx } = await pool.compile({ name, source: source(MODULES[name]), arch });
    for (const instruction of MODULES[name].instructions) expect(ptx).toContain(instruction);
    expect(() => compileKernel(parsePtx(ptx))).not.toThrow();
  });
});

describe.each(ARCHS)('%s computes', (arch) => {
  test('warp', async () => {
    const result = await run('warp', arch, THREES.subarray(0, 32), 4, 32 * 8 * 4);
    clean(result);
    const found = new Int32Array(result.out);
    const x = (lane: number): number => 3 * lane;
    for (let t = 0; t < 32; t++) {
      let same = 0;
      for (let other = 0; other < 32; other++) if ((x(other) & 3) === (x(t) & 3)) same |= 1 << other;
      expect([...found.subarray(8 * t, 8 * t + 7)]).toEqual([
        x(t ^ 5),
        x(t >= 3 ? t - 3 : t),
        x(7),
        -1 << 14,
        same,
        3 * 496,
        1,
      ]);
    }
  });

  test('approximate functions', async () => {
    const x = new Float32Array(32).map((_, n) => 0.05 + n / 7);
    const result = await run('math', arch, x, 4, 32 * 8 * 4);
    clean(result);
    const found = new Float32Array(result.out);
    x.forEach((value, t) => {
      const expected = [
        2 ** value,
        Math.log2(value),
        1 / Math.sqrt(value),
        Math.tanh(value),
        Math.sin(value),
        Math.cos(value),
        Math.sqrt(value),
        1 / value,
      ];
      expected.forEach((want, n) => {
        expect(Math.abs(found[8 * t + n]! - want)).toBeLessThanOrEqual(
          Math.max(Math.abs(want), 0.01) * 2 ** -22,
        );
      });
    });
  });

  test("functions in full precision: the compiler's own polynomials", async () => {
    const x = new Float32Array(32).map((_, n) => (n < 28 ? 0.03 + n / 5 : [1e4, 1e6, 3e8, 70][n - 28]!));
    const result = await run('exactMath', arch, x, 4, 32 * 8 * 4);
    clean(result);
    const found = new Float32Array(result.out);
    x.forEach((value, t) => {
      const expected = [
        2 ** value,
        Math.log2(value),
        Math.exp(value),
        Math.tanh(value),
        Math.sin(value),
        Math.cos(value),
      ];
      expected.forEach((want, n) => {
        const single = Math.fround(want);
        if (Number.isFinite(single))
          expect(Math.abs(found[8 * t + n]! - single)).toBeLessThanOrEqual(
            Math.max(Math.abs(single), 2 ** -3) * 2 ** -21,
          );
        else expect(found[8 * t + n]).toBe(single);
      });
      expect(found[8 * t + 7]).toBe(Math.fround(1 / value));
    });
  });

  test('atomics', async () => {
    const result = await run('atomics', arch, THREES.subarray(1, 33), 128, 32);
    clean(result);
    const values = [...THREES.subarray(1, 33)];
    const found = new Int32Array(result.out);
    expect([...found.subarray(0, 5)]).toEqual([values.reduce((x, y) => x + y), 96, 0, 32, 3]);
    expect([...new Int32Array(result.b)].sort((x, y) => x - y)).toEqual(
      Array.from({ length: 32 }, (_, n) => n),
    );
  });

  test('cp.async, and what a missing wait does', async () => {
    const result = await run('cpAsync', arch, THREES.subarray(0, 128), 4, 128);
    clean(result);
    expect([...new Int32Array(result.out)]).toEqual(
      Array.from({ length: 32 }, (_, t) => 3 * (4 * (31 - t) + (t % 4))),
    );
    const hasty = await run('cpAsync', arch, THREES.subarray(0, 128), 4, 128, {}, (ptx) => {
      expect(ptx).toMatch(/cp\.async\.wait_(all|group\s+0);/);
      return ptx.replace(/cp\.async\.wait_(all|group\s+0);/, '');
    });
    expect(hasty.reports[0]).toMatchObject({ kind: 'read-before-wait' });
  });

  test('ldmatrix and mma', async () => {
    const bf16 = (x: number): number =>
      narrow(new Int32Array(new Float32Array([x]).buffer)[0]!, BF16, 'rn', false);
    const a = new Uint16Array(256).map((_, n) => bf16((n % 13) - 6));
    const b = new Uint16Array(128).map((_, n) => bf16((n % 7) / 4));
    const result = await run('matrix', arch, a, b, 512);
    clean(result);
    const expected = Array.from({ length: 128 }, (_, n) => {
      let sum = 0;
      for (let i = 0; i < 16; i++)
        sum += widen(a[16 * (n >> 3) + i]!, BF16) * widen(b[16 * (n & 7) + i]!, BF16);
      return sum;
    });
    expect([...new Float32Array(result.out)]).toEqual(expected);
  });

  test('8-bit integers multiplied', async () => {
    const a = new Int8Array(16 * 32).map((_, n) => ((n * 37) % 251) - 125);
    const b = new Int8Array(8 * 32).map((_, n) => ((n * 53) % 241) - 120);
    const result = await run('matrixInt8', arch, a, b, 512);
    clean(result);
    const expected = Array.from({ length: 128 }, (_, n) => {
      let sum = 5;
      for (let i = 0; i < 32; i++) sum += a[32 * (n >> 3) + i]! * b[32 * (n & 7) + i]!;
      return sum;
    });
    expect([...new Int32Array(result.out)]).toEqual(expected);
  });

  test('more meetings of a warp', async () => {
    const result = await run('meetings', arch, THREES.subarray(1, 33), 4, 32 * 12 * 4);
    clean(result);
    const x = [...THREES.subarray(1, 33)];
    const found = new Int32Array(result.out);
    for (let t = 0; t < 32; t++) {
      expect([...found.subarray(12 * t, 12 * t + 8)]).toEqual([
        x[t < 30 ? t + 2 : t],
        96,
        3,
        x.reduce((p, q) => p & q),
        x.reduce((p, q) => p | q),
        x.reduce((p, q) => p ^ q),
        0,
        1,
      ]);
      expect(found[12 * t + 8]).toBe(t < 8 ? 0xff : 0);
    }
  });

  test('atomics on bits, reductions, and atomics on shared memory', async () => {
    const result = await run('bitAtomics', arch, THREES.subarray(0, 32), 128, 32);
    clean(result);
    const sums = Array.from({ length: 4 }, (_, n) => 8 * n + 4 * 28);
    expect([...new Int32Array(result.out)]).toEqual([-1, -1, 0, 32, 496 + sums[0]!, ...sums.slice(1)]);
    expect([...new Int32Array(result.b)].sort((p, q) => p - q)).toEqual(
      Array.from({ length: 32 }, (_, n) => n),
    );
  });

  test('blocks that wait for each other, and what a wait for too few does', async () => {
    const result = await run('gridSync', arch, THREES, 4, 1024);
    clean(result);
    expect([...new Int32Array(result.out).subarray(128)]).toEqual(
      Array.from({ length: 128 }, (_, n) => (((n >> 5) + 1) % 4) * 100 + (n & 31)),
    );
    const hasty = await run('gridSync', arch, THREES, 4, 1024, {}, (ptx) => {
      expect(ptx).toMatch(/setp\.[a-z]+\.s32\s+%p\d+, %r\d+, [34];/);
      return ptx.replace(/(setp\.[a-z]+\.s32\s+%p\d+, %r\d+, )[34];/g, '$11;');
    });
    expect(hasty.reports.map(({ kind }) => kind)).toContain('write-conflict');
  });

  test.each([
    ['gridSync', 1, 'ld.acquire', 'ld.relaxed'],
    ['gridSync', 1, 'red.release', 'red.relaxed'],
    ['gridTwice', 2, 'ld.acquire', 'ld.relaxed'],
    ['gridTwice', 2, '.acq_rel', '.acquire'],
    ['gridTwice', 2, '.acq_rel', '.relaxed'],
  ] as const)(
    'blocks that wait for each other in %s, and what is said of a weaker order',
    async (name, counters, strong, weak) => {
      const right = await run(name, arch, THREES, 4 * counters, 1024);
      clean(right);
      expect([...new Int32Array(right.out).subarray(128)]).toEqual(
        Array.from({ length: 128 }, (_, n) => (((n >> 5) + 1) % 4) * 100 + (n & 31)),
      );
      expect(right.ptx).toContain(strong);
      const { reports } = await run(name, arch, THREES, 4 * counters, 1024, {}, (ptx) =>
        ptx.replaceAll(strong, weak),
      );
      expect(reports[0]).toMatchObject({ kind: 'write-conflict', allocation: 'out' });
      expect(reports[0]!.detail).toMatch(/reads what block number \d has written/);
    },
  );
});

describe.each(['sm_90a', 'sm_100a'])('%s computes', (arch) => {
  test('stmatrix', async () => {
    const bf16 = (x: number): number =>
      narrow(new Int32Array(new Float32Array([x]).buffer)[0]!, BF16, 'rn', false);
    const a = new Uint16Array(256).map((_, n) => bf16((n % 13) - 6));
    const b = new Uint16Array(128).map((_, n) => bf16((n % 7) / 4));
    const result = await run('matrixStore', arch, a, b, 256);
    clean(result);
    const expected = Array.from({ length: 128 }, (_, n) => {
      let sum = 0;
      for (let i = 0; i < 16; i++)
        sum += widen(a[16 * (n >> 3) + i]!, BF16) * widen(b[16 * (n & 7) + i]!, BF16);
      return bf16(sum);
    });
    expect([...new Uint16Array(result.out)]).toEqual(expected);
  });

  test('8-bit floats multiplied', async () => {
    const e4m3 = (x: number): number =>
      narrow(new Int32Array(new Float32Array([x]).buffer)[0]!, E4M3, 'rn', true);
    const a = new Uint8Array(512).map((_, n) => e4m3(((n % 29) - 14) / 8));
    const b = new Uint8Array(256).map((_, n) => e4m3((n % 23) / 4 - 2));
    const result = await run('matrixFp8', arch, a, b, 512);
    clean(result);
    const expected = Array.from({ length: 128 }, (_, n) => {
      let sum = 0;
      for (let i = 0; i < 32; i++)
        sum += widen(a[32 * (n >> 3) + i]!, E4M3) * widen(b[32 * (n & 7) + i]!, E4M3);
      return sum;
    });
    expect([...new Float32Array(result.out)]).toEqual(expected);
  });

  test('8-bit floats', async () => {
    const values = new Float32Array(128).map((_, n) => (n - 64) * 1.7 ** (n % 11));
    const result = await run('fp8', arch, values, 512, 128);
    clean(result);
    const bits = new Int32Array(values.buffer);
    const expected = [...bits].map((word) => narrow(word, E4M3, 'rn', true));
    expect([...new Uint8Array(result.out)]).toEqual(expected);
    expect([...new Float32Array(result.b)]).toEqual(expected.map((code) => widen(code, E4M3)));
  });

  test('named barriers and an election', async () => {
    const result = await run('namedBarriers', arch, THREES.subarray(0, 32), 8, 128);
    clean(result);
    expect([...new Int32Array(result.out)]).toEqual(Array.from({ length: 32 }, (_, t) => 3 * (31 - t)));
    expect([...new Int32Array(result.b)]).toEqual([0, 32]);
  });

  test('distributed shared memory, and what a missing cluster barrier does', async () => {
    const result = await run('cluster', arch, THREES, 4, 1024);
    clean(result);
    const expected = Array.from({ length: 256 }, (_, n) => {
      const first = (n >> 7) * 128 + (n & 31);
      return 3 * (4 * first + 32 * 6);
    });
    expect([...new Int32Array(result.out)]).toEqual(expected);
    const racing = await run('cluster', arch, THREES, 4, 1024, {}, (ptx) =>
      ptx.replace(/barrier\.cluster\.arrive[^;]*;/, '').replace(/barrier\.cluster\.wait[^;]*;/, ''),
    );
    expect(racing.reports.map(({ kind }) => kind)).toContain('uninitialised-read');
  });

  test('stores to another block, counted by its mbarrier', async () => {
    const result = await run('storeAsync', arch, THREES, 4, 32);
    clean(result);
    expect([...new Int32Array(result.out)]).toEqual([10, 11, 12, 13, 0, 1, 2, 3]);
  });

  test('bulk copies, and what too large a size does', async () => {
    const result = await run('bulk', arch, THREES.subarray(0, 128), 4, 512);
    clean(result);
    expect([...new Int32Array(result.out)]).toEqual(
      Array.from({ length: 128 }, (_, n) => 3 * n + (n < 32 ? 1 : 0)),
    );
    const wrong = await run('bulk', arch, THREES.subarray(0, 128), 4, 512, {}, (ptx) => {
      expect(ptx).toMatch(/mov\.b32\s+%r\d+, 512;/);
      return ptx.replace(/(mov\.b32\s+%r\d+, )512;/, '$1528;');
    });
    expect(wrong.reports.map(({ kind }) => kind)).toContain('out-of-bounds');
  });

  test('a dependent launch, and a read before its wait', async () => {
    const memory = new SimMemory();
    const buffers = [128, 4, 128].map((bytes) => {
      const buffer = memory.alloc(bytes);
      memory.fill(buffer, 1);
      return buffer;
    });
    const { ptx } = await pool.compile({
      name: 'dependentLaunch',
      source: source(MODULES.dependentLaunch),
      arch,
    });
    const launch = (text: string): readonly SimReport[] =>
      simulate(compileKernel(parsePtx(text)), {
        grid: 1,
        block: 32,
        args: buffers,
        memory,
        pending: [buffers[0]!],
      }).reports;
    expect(launch(ptx)).toEqual([]);
    expect(launch(ptx.replace(/griddepcontrol\.wait;/, ''))[0]).toMatchObject({
      kind: 'read-before-dependency',
    });
  });
});
