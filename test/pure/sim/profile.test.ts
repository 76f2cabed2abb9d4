import { describe, expect, test } from '@jest/globals';
import { SimMemory, compileKernel, parsePtx, simulate } from '../../../src/sim/index.js';
import type { LaunchOptions, Profile } from '../../../src/sim/index.js';
import { kernelText } from './harness.js';

function profile(body: string, options: Partial<LaunchOptions> = {}, extra = ''): Profile {
  const memory = new SimMemory();
  const buffers = ['in', 'out'].map((name) => {
    const buffer = memory.alloc(65536, { name });
    memory.fill(buffer, 0);
    return buffer;
  });
  const result = simulate(compileKernel(parsePtx(kernelText(body, 2, extra))), {
    grid: 1,
    block: 64,
    args: buffers,
    memory,
    profile: true,
    checks: 'none',
    ...options,
  });
  return result.profile!;
}

const at = (bytes: number): string => `mul.wide.u32 %rd10, %r0, ${bytes}; add.s64 %rd11, %rd0, %rd10;`;

describe('the profile', () => {
  test('coalescing: sectors a request', () => {
    const load = (bytes: number): string => `${at(bytes)} ld.global.b32 %r1, [%rd11];`;
    expect(profile(load(4)).global.load).toEqual({ requests: 2, bytes: 256, sectors: 8 });
    expect(profile(load(32)).global.load).toEqual({ requests: 2, bytes: 256, sectors: 64 });
    expect(profile(load(0)).global.load).toEqual({ requests: 2, bytes: 256, sectors: 2 });
    expect(profile(`${at(16)} ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%rd11];`).global.load).toEqual({
      requests: 2,
      bytes: 1024,
      sectors: 32,
    });
  });

  test('bank conflicts', () => {
    const store = (bytes: number, width = '.b32', value = '%r0'): Profile['shared']['store'] =>
      profile(
        `mov.u32 %r20, smem; mad.lo.s32 %r21, %r0, ${bytes}, %r20; st.shared${width} [%r21], ${value};`,
        { block: 32 },
        '.shared .align 16 .b8 smem[8192];',
      ).shared.store;
    expect(store(4)).toEqual({ requests: 1, bytes: 128, passes: 1, conflicts: 0 });
    expect(store(8)).toEqual({ requests: 1, bytes: 128, passes: 2, conflicts: 1 });
    expect(store(128)).toEqual({ requests: 1, bytes: 128, passes: 32, conflicts: 31 });
    expect(store(132)).toEqual({ requests: 1, bytes: 128, passes: 1, conflicts: 0 });
    expect(store(0)).toMatchObject({ passes: 1, conflicts: 0 });
    expect(store(16, '.v4.b32', '{%r0, %r0, %r0, %r0}')).toEqual({
      requests: 1,
      bytes: 512,
      passes: 4,
      conflicts: 0,
    });
  });

  test('instructions are counted by warp, and divergence by lane', () => {
    const uniform = profile('mov.u32 %r1, 0; L: add.s32 %r1, %r1, 1; setp.lt.s32 %p1, %r1, 10; @%p1 bra L;');
    expect(uniform.instructions).toMatchObject({ integer: 20, 'comparison and selection': 20 });
    expect(uniform.activeLanes).toBe(1);
    const uneven = profile('mov.u32 %r1, 0; L: add.s32 %r1, %r1, 1; setp.le.s32 %p1, %r1, %r0; @%p1 bra L;', {
      block: 32,
    });
    expect(uneven.instructions).toMatchObject({ integer: 32, 'comparison and selection': 32 });
    expect(uneven.activeLanes).toBeGreaterThan(0.5);
    expect(uneven.activeLanes).toBeLessThan(0.6);
  });

  test('barriers and blocks; a second launch starts from nothing', () => {
    const memory = new SimMemory();
    const [a, b] = [memory.alloc(4), memory.alloc(4)];
    const kernel = compileKernel(parsePtx(kernelText('bar.sync 0; bar.sync 0;')));
    for (let launch = 0; launch < 2; launch++) {
      const result = simulate(kernel, { grid: 3, block: 64, args: [a, b], memory, profile: true });
      expect(result.profile).toMatchObject({ barriers: 6, blocks: 3 });
    }
  });
});
