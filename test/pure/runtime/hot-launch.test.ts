/**
 * A bound launch leaves nothing for the garbage collector.
 *
 * Thousands of launches between two looks at the heap, with nothing else under way: the growth is that of the launches, and one
 * object a launch would be 100 times the bound. The smallest of several rounds counts, because what else the process does (the
 * compiler, timers) only adds; a collection in the middle, which would take away, shows as a negative round and is left out.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, test } from '@jest/globals';
import { DeviceTensor, openCuda, openGemm, openLibrary } from '../../../src/runtime/index.js';
import { FakeCublasLt } from '../../support/fake-cublaslt.js';
import { fakeDriver, removeFolders, SCALE, writeLibrary } from './helpers.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const LAUNCHES = 10_000;
const ROUNDS = 10;
/** The smallest JavaScript object is 12 bytes or more; a hundredth of that a launch is none. */
const BYTES_A_LAUNCH = 0.12;

/** Bytes that a call of `work` leaves on the heap, at least. */
function bytesPerCall(work: () => void): number {
  for (let i = 0; i < LAUNCHES; i++) work();
  const growths: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < LAUNCHES; i++) work();
    growths.push(process.memoryUsage().heapUsed - before);
  }
  return Math.min(...growths.filter((growth) => growth >= 0)) / LAUNCHES;
}

/** A function of a fake table that does nothing but count. */
function counting(table: object, name: string): { readonly calls: number } {
  const counter = { calls: 0 };
  (table as Record<string, () => number>)[name] = () => {
    counter.calls++;
    return 0;
  };
  return counter;
}

afterAll(removeFolders);

describe('allocations of a hot launch', () => {
  test('the measurement sees one small object a call', () => {
    let kept: object = {};
    const bytes = bytesPerCall(() => {
      kept = { kept: null };
    });
    expect(kept).toEqual({ kept: null });
    expect(bytes).toBeGreaterThan(10);
  });

  test('of a variant of a library', async () => {
    const driver = fakeDriver();
    const library = await openLibrary(writeLibrary(), { driver });
    const [x, out] = [library.tensor('f32', [4, 8]), library.tensor('f32', [4, 8])];
    const bound = library.bind(SCALE, { x, out, factor: 2 });
    const counter = counting(driver.api, 'cuLaunchKernelEx');
    expect(bytesPerCall(() => bound.run())).toBeLessThan(BYTES_A_LAUNCH);
    expect(counter.calls).toBe((ROUNDS + 1) * LAUNCHES);
    library.close();
  });

  test('of a matrix product', async () => {
    const driver = fakeDriver();
    const device = await openCuda({ driver });
    const lt = new FakeCublasLt(driver);
    const gemm = await openGemm(device, { library: lt.library });
    const tensor = (rows: number, columns: number) => DeviceTensor.create(device, 'bf16', [rows, columns]);
    const types = { a: 'bf16', b: 'bf16', out: 'bf16' } as const;
    const operands = { a: tensor(4, 8), b: tensor(8, 16), out: tensor(4, 16) };
    const bound = gemm.bind({ m: 4, n: 16, k: 8, types }, operands);
    const counter = counting(lt.api, 'matmul');
    expect(bytesPerCall(() => bound.run())).toBeLessThan(BYTES_A_LAUNCH);
    expect(counter.calls).toBe((ROUNDS + 1) * LAUNCHES);
    for (const thing of [bound, gemm, device]) thing.close();
  });
});
