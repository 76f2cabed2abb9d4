import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { architecture } from '../../../src/device/arch.js';
import { readCubin } from '../../../src/toolchain/cubin.js';
import { reportResources } from '../../../src/toolchain/resources.js';
import { RoseError } from '../../../src/util/errors.js';

const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`fixtures/${name}.cubin`, import.meta.url));

/** Expected numbers are what `ptxas -v` printed when it made the fixture. */
describe('readCubin', () => {
  test('a plain RMSNorm: registers, block and the parameter table', () => {
    expect(readCubin(fixture('rms-norm.sm90'))).toEqual({
      sm: 90,
      kernels: [
        {
          name: 'rms_norm_0',
          registers: 39,
          localBytes: 0,
          spillStoreBytes: 0,
          spillLoadBytes: 0,
          staticSharedBytes: 0, // its 32 bytes are dynamic
          requiredBlock: [256, 1, 1],
          paramBytes: 32,
          params: [
            { index: 0, offset: 0, size: 8 },
            { index: 1, offset: 8, size: 8 },
            { index: 2, offset: 16, size: 8 },
            { index: 3, offset: 24, size: 4 },
            { index: 4, offset: 28, size: 4 },
          ],
          codeBytes: 2688,
        },
      ],
    });
  });

  test('a kernel that spills: 1144 bytes stack frame, 1608 bytes spill stores, 1608 bytes spill loads', () => {
    expect(readCubin(fixture('spills.sm90')).kernels[0]).toMatchObject({
      registers: 64,
      localBytes: 1144,
      spillStoreBytes: 1608,
      spillLoadBytes: 1608,
    });
  });

  test.each([
    ['shared-and-local.sm80', 80, 12, 32],
    ['shared-and-local.sm90', 90, 12, 48],
  ])('%s: 4100 bytes of shared memory, a local array of 64 that is no spill', (name, sm, registers, big) => {
    const cubin = readCubin(fixture(name));
    expect(cubin.sm).toBe(sm);
    expect(cubin.kernels.map((kernel) => kernel.name).sort()).toEqual(['k1', 'k2']);
    expect(cubin.kernels.find((kernel) => kernel.name === 'k1')).toMatchObject({
      registers,
      localBytes: 64,
      spillStoreBytes: 0,
      staticSharedBytes: 4100,
      requiredBlock: undefined,
      // A parameter aligned to 64 bytes of constant bank 0, which begins elsewhere on each architecture.
      params: [
        { index: 0, offset: 0, size: 8 },
        { index: 1, offset: big, size: 128 },
        { index: 2, offset: big + 128, size: 4 },
      ],
      paramBytes: big + 132,
    });
    expect(cubin.kernels.find((kernel) => kernel.name === 'k2')).toMatchObject({
      staticSharedBytes: 0,
      localBytes: 0,
    });
  });

  test('a parameter of 20,000 bytes, in the newer form of the table', () => {
    const { sm, kernels } = readCubin(fixture('large-param.sm100'));
    expect(sm).toBe(100);
    expect(kernels.find((kernel) => kernel.name === 'k1')).toMatchObject({
      registers: 10,
      localBytes: 64,
      staticSharedBytes: 4100,
      params: [
        { index: 0, offset: 0, size: 8 },
        { index: 1, offset: 64, size: 20_000 },
        { index: 2, offset: 20_064, size: 4 },
      ],
    });
  });

  test('the resource report adds spills up and estimates occupancy', () => {
    const [kernel] = readCubin(fixture('spills.sm90')).kernels;
    expect(
      reportResources(architecture('sm90'), kernel!, { threads: 1024, dynamicSharedBytes: 128 }),
    ).toEqual({
      registers: 64,
      spillBytes: 3216,
      localBytes: 1144,
      staticSharedBytes: 0,
      dynamicSharedBytes: 128,
      ctasPerSm: 1,
    });
  });
});

describe('damaged bytes', () => {
  const names = ['rms-norm.sm90', 'spills.sm90', 'shared-and-local.sm80', 'large-param.sm100'];
  const refusal = expect.objectContaining({ code: 'CUBIN_INVALID' });

  /** Reads, and lets a RoseError pass; anything else fails the test. */
  function read(bytes: Uint8Array): boolean {
    try {
      readCubin(bytes);
      return true;
    } catch (error) {
      if (!(error instanceof RoseError)) throw error;
      expect(error.code).toBe('CUBIN_INVALID');
      return false;
    }
  }

  test('what is no cubin is refused', () => {
    expect(() => readCubin(new Uint8Array(0))).toThrow(refusal);
    expect(() => readCubin(Buffer.from('<!doctype html>'.repeat(40)))).toThrow(refusal);
    expect(() => readCubin(readFileSync(process.execPath).subarray(0, 4096))).toThrow(refusal);
    const otherMachine = Uint8Array.from(fixture('rms-norm.sm90'));
    otherMachine[18] = 62; // x86-64
    expect(() => readCubin(otherMachine)).toThrow(refusal);
  });

  test('a cut anywhere is refused', () => {
    const bytes = fixture('rms-norm.sm90');
    for (let length = 0; length < bytes.length; length += 7)
      expect(read(bytes.subarray(0, length))).toBe(false);
    expect(read(bytes)).toBe(true);
  });

  test('flipped and overwritten bytes never end in anything but CUBIN_INVALID', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 20 }),
        (name, edits) => {
          const bytes = Uint8Array.from(fixture(name));
          for (const [at, value] of edits) bytes[at % bytes.length] = value;
          if (!read(bytes)) refused += 1;
        },
      ),
      { numRuns: 4000 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  test('hostile values in the headers do not either', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.boolean(),
        fc.nat(),
        fc.constantFrom(0, 1, 0x7fffffff, 0xffffffff, 0x80000000),
        (name, inTable, at, value) => {
          const bytes = Uint8Array.from(fixture(name));
          const view = new DataView(bytes.buffer);
          const table = Number(view.getBigUint64(40, true));
          const [start, size] = inTable ? [table, bytes.length - table - 4] : [0, 60];
          view.setUint32(start + (at % Math.max(1, Math.min(size, bytes.length - start - 4))), value, true);
          read(bytes);
        },
      ),
      { numRuns: 4000 },
    );
  });
});
