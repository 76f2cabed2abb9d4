import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  SimMemory,
  compileKernel,
  encodeTensorMap,
  formatReport,
  parsePtx,
  simulate,
} from '../../../src/sim/index.js';
import type { Allocation } from '../../../src/sim/index.js';
import { CompilePool } from '../../../src/toolchain/compile-pool.js';
import { ensureToolchain } from '../../../src/toolchain/toolchain.js';

const SOURCE = readFileSync(new URL('tensor_copy.py', import.meta.url), 'utf8');
const [ROWS, COLUMNS] = [13, 72];

let pool: CompilePool;
beforeAll(async () => {
  const { python } = await ensureToolchain();
  pool = new CompilePool({ python, workers: 1 });
}, 600_000);
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
});

/** Boxes of 8 x 32 over a tensor that is no multiple of them, in 128-byte swizzled shared memory. */
async function run(arch: string, edit: (ptx: string) => string = (ptx) => ptx) {
  const { ptx } = await pool.compile({ name: 'tensor_copy', source: SOURCE, arch });
  const module = parsePtx(edit(ptx));
  const memory = new SimMemory();
  const a = memory.alloc(ROWS * COLUMNS * 4, { name: 'a', readonly: true });
  const out = memory.alloc(ROWS * COLUMNS * 4, { name: 'out' });
  const values = Float32Array.from({ length: ROWS * COLUMNS }, (_, n) => n + 1000);
  memory.write(a, new Uint8Array(values.buffer));
  const map = ({ address }: Allocation): Uint8Array =>
    encodeTensorMap({
      address,
      elementBytes: 4,
      shape: [COLUMNS, ROWS],
      strides: [COLUMNS * 4],
      box: [32, 8],
      swizzle: '128B',
    });
  // A tensor map is 128 bytes; its coordinate tensor's extents are never read.
  const maps = [map(a), map(out)];
  const args = module.entries[0]!.parameters.map(({ bytes }) =>
    bytes === 128 ? maps.shift()! : new Uint8Array(bytes),
  );
  const { reports } = simulate(compileKernel(module), {
    grid: [3, 2],
    block: 32,
    dynamicSharedBytes: 4096,
    args,
    memory,
  });
  return { ptx, reports, found: [...new Float32Array(memory.read(out).buffer)] };
}

describe.each(['sm_90a', 'sm_100a'])('%s', (arch) => {
  test('tensor copies with a swizzle, and edges that hang over', async () => {
    const { ptx, reports, found } = await run(arch);
    expect(ptx).toContain('cp.async.bulk.tensor.2d.shared::c');
    expect(ptx).toContain('cp.async.bulk.tensor.2d.global.shared::cta');
    expect(reports.map(formatReport)).toEqual([]);
    expect(found).toEqual(
      Array.from({ length: ROWS * COLUMNS }, (_, n) => {
        const [y, x] = [Math.floor(n / COLUMNS) % 8, (n % COLUMNS) % 32];
        return x % 8 === 0 ? 4 * y + x / 8 : n + 1000;
      }),
    );
  });

  test('a store that does not wait for the other threads', async () => {
    const { reports } = await run(arch, (ptx) => {
      const last = ptx.lastIndexOf('bar.sync');
      return ptx.slice(0, last) + ptx.slice(last).replace(/bar\.sync\s+0;/, '');
    });
    expect(reports.map(({ kind }) => kind)).toContain('shared-hazard');
  });
});
