import { describe, expect, test } from '@jest/globals';
import { architecture } from '../../../src/device/arch.js';
import { estimateOccupancy } from '../../../src/toolchain/occupancy.js';

const KIB = 1024;

describe('estimateOccupancy', () => {
  test.each([
    // arch, threads, registers, shared bytes -> CTAs, limit. Figures by hand from the tables of the programming guide.
    ['sm90', 256, 32, 0, 8, 'threads'], // 2048 / 256
    ['sm90', 256, 39, 32, 6, 'registers'], // 40 * 32 = 1280 a warp, 12 warps a partition, 48 / 8
    ['sm90', 1024, 64, 0, 1, 'registers'], // 2048 a warp, 8 warps a partition, 32 / 32
    ['sm90', 128, 255, 0, 2, 'registers'], // 8192 a warp, 2 a partition, 8 / 4
    ['sm90', 32, 16, 0, 32, 'ctas'],
    ['sm90', 128, 32, 100 * KIB, 2, 'sharedMemory'], // 228 / 101
    ['sm90', 128, 32, 227 * KIB, 1, 'sharedMemory'],
    ['sm86', 32, 16, 0, 16, 'ctas'],
    ['sm86', 512, 32, 0, 3, 'threads'], // 1536 / 512
    ['sm80', 1024, 32, 0, 2, 'threads'],
    ['sm120', 96, 40, 0, 16, 'threads'], // 48 warps / 3, and 12 * 4 / 3
  ] as const)(
    '%s: %i threads of %i registers with %i bytes',
    (arch, threads, registers, sharedBytes, ctas, limit) => {
      const occupancy = estimateOccupancy(architecture(arch), { threads, registers, sharedBytes });
      expect(occupancy).toMatchObject({ ctasPerSm: ctas, limitedBy: limit });
      expect(occupancy.warpsPerSm).toBe(ctas * Math.ceil(threads / 32));
    },
  );

  test('what cannot fit has no CTA', () => {
    const sm90 = architecture('sm90');
    expect(estimateOccupancy(sm90, { threads: 1024, registers: 128, sharedBytes: 0 }).ctasPerSm).toBe(0);
    expect(estimateOccupancy(sm90, { threads: 32, registers: 256, sharedBytes: 0 }).ctasPerSm).toBe(0);
    expect(estimateOccupancy(sm90, { threads: 32, registers: 32, sharedBytes: 228 * KIB })).toMatchObject({
      ctasPerSm: 0,
      fraction: 0,
    });
    expect(
      estimateOccupancy(architecture('sm80'), { threads: 32, registers: 1, sharedBytes: 200 * KIB })
        .ctasPerSm,
    ).toBe(0);
  });
});
