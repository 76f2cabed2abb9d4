import { describe, expect, test } from '@jest/globals';
import {
  ARCHITECTURES,
  architecture,
  compareDrivers,
  minimumDriverFor,
  runsOn,
} from '../../../src/device/arch.js';
import { RoseError } from '../../../src/util/errors.js';

describe('architecture', () => {
  test.each(['sm90', 'sm_90', 'sm90a', 'SM_90A', ' sm90 '])('%p is sm90', (name) => {
    expect(architecture(name).target).toBe('sm_90a');
  });

  test('each architecture is found by its name and by its target, and no other way around', () => {
    for (const arch of ARCHITECTURES) {
      expect(architecture(arch.name)).toBe(arch);
      expect(architecture(arch.target)).toBe(arch);
    }
  });

  test('sm90 and later compile in their a form, the family form by name', () => {
    expect(ARCHITECTURES.map(({ target }) => target)).toEqual([
      'sm_80',
      'sm_86',
      'sm_89',
      'sm_90a',
      'sm_100a',
      'sm_100f',
      'sm_103a',
      'sm_120a',
      'sm_121a',
    ]);
  });

  test('an unknown name says what is known and what is close', () => {
    expect(() => architecture('sm99')).toThrow(RoseError);
    try {
      architecture('sm91');
    } catch (error) {
      expect(error).toMatchObject({ code: 'TARGET_UNKNOWN', actual: 'sm91' });
      expect((error as RoseError).expected).toContain('sm100f');
      expect((error as RoseError).next).toContain('did you mean');
    }
    for (const name of ['', 'sm80a', 'sm', '90', 'sm_90b', '../sm90']) {
      expect(() => architecture(name)).toThrow(expect.objectContaining({ code: 'TARGET_UNKNOWN' }));
    }
  });

  test('features come with their generation', () => {
    const having = (field: 'hasFp8Casts' | 'hasClusters' | 'hasDependentLaunch'): string[] =>
      ARCHITECTURES.filter((arch) => arch[field]).map(({ name }) => name);
    const hopperOn = ['sm90', 'sm100', 'sm100f', 'sm103', 'sm120', 'sm121'];
    expect(having('hasFp8Casts')).toEqual(['sm89', ...hopperOn]);
    expect(having('hasClusters')).toEqual(hopperOn);
    expect(having('hasDependentLaunch')).toEqual(hopperOn);
    for (const arch of ARCHITECTURES) {
      expect(arch.maxClusterSize > 1).toBe(arch.hasClusters);
      expect(arch.maxSharedMemoryPerCta).toBe(arch.sharedMemoryPerSm - arch.reservedSharedMemoryPerCta);
    }
  });
});

describe('runsOn', () => {
  test.each([
    ['sm80', [8, 0], true],
    ['sm80', [8, 6], true],
    ['sm86', [8, 0], false],
    ['sm80', [9, 0], false],
    ['sm90', [9, 0], true],
    ['sm100', [10, 0], true],
    ['sm100', [10, 3], false],
    ['sm100f', [10, 3], true],
    ['sm120', [12, 1], false],
  ] as const)('%s on a device of %p: %p', (name, capability, expected) => {
    expect(runsOn(architecture(name), capability)).toBe(expected);
  });
});

test('drivers compare by number, and the minimum is the highest that any architecture asks for', () => {
  expect(compareDrivers('570.26', '525.60.13')).toBeGreaterThan(0);
  expect(compareDrivers('99.9', '100.0')).toBeLessThan(0);
  expect(compareDrivers('580.0', '580')).toBe(0);
  expect(minimumDriverFor([architecture('sm90')])).toBe('525.60.13');
  expect(minimumDriverFor([architecture('sm100'), architecture('sm80')])).toBe('570.26');
  expect(minimumDriverFor([architecture('sm103'), architecture('sm100')])).toBe('575.51.03');
});
