import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBench } from '../../../src/bench/bench.js';
import { Peers } from '../../../src/bench/peers.js';
import { ratioChart, roofline } from '../../../src/bench/plot.js';
import { STREAM_SHAPES, streamEntry } from '../../../src/bench/ptx.js';
import { caseLine, summaryLines } from '../../../src/bench/table.js';
import { bindKernel, parseSpec } from '../../../src/spec/index.js';
import type { FakeKernel } from '../../support/fake-driver.js';
import {
  ENTRY,
  fakeDriver,
  removeFolders,
  SCALE_KERNEL,
  SCALE_VARIANTS,
  writeLibrary,
} from '../runtime/helpers.js';

const bound = bindKernel(
  parseSpec(
    `kernel: scale
doc: x times a factor.
dims: { rows: dynamic, width: static }
params: { factor: f32 }
tensors:
  x: { shape: [rows, width], dtype: f32 }
  out: { shape: [rows, width], dtype: f32, access: out }
formula: |
  out = x * factor
`,
    'scale.yaml',
  ),
  { dims: { width: 8 }, types: {}, flags: {} },
);

const BENCH_KERNELS: Readonly<Record<string, FakeKernel>> = {
  empty: { params: [] },
  ...Object.fromEntries(
    (['read', 'write', 'copy'] as const).flatMap((kind) =>
      STREAM_SHAPES.map((shape) => [
        streamEntry(kind, shape),
        {
          params: [
            [0, 8],
            [8, 8],
          ] as const,
        },
      ]),
    ),
  ),
};

afterEach(removeFolders);

function requestOf(scale: FakeKernel = SCALE_KERNEL) {
  const driver = fakeDriver({ kernels: { [ENTRY]: scale, ...BENCH_KERNELS } });
  return {
    driver,
    dir: writeLibrary(),
    subjects: SCALE_VARIANTS.map((variant) => ({ variant, bound })),
    rows: { decode: [1, 64], prefill: [192] },
    caches: ['cold', 'warm'] as const,
    against: [],
    python: 'python3',
  };
}

describe('a bench on a device', () => {
  test('takes each variant of the architecture at each number of rows, cold and warm', async () => {
    const request = requestOf();
    const results = await runBench(request);
    expect(results).toMatchObject({ schema: 1, device: 'Fake H200', cuda: '12.8', peers: {} });
    expect(results.cases.map(({ variant, rows, cache }) => [variant, rows, cache])).toEqual([
      ['scale.width8.f32.sm90.decode', 1, 'cold'],
      ['scale.width8.f32.sm90.decode', 1, 'warm'],
      ['scale.width8.f32.sm90.decode', 64, 'cold'],
      ['scale.width8.f32.sm90.decode', 64, 'warm'],
      ['scale.width8.f32.sm90.prefill', 192, 'cold'],
      ['scale.width8.f32.sm90.prefill', 192, 'warm'],
    ]);
    for (const { check, rows, cache, moved, operations, sets, calls, flushed, ...rest } of results.cases) {
      expect(check.wrong).toEqual([]);
      expect(check.worstUlp).toBeLessThanOrEqual(0.5);
      expect(moved).toEqual({ read: rows * 32, written: rows * 32 });
      expect(operations).toBe(rows * 8);
      // Copies of a few rows all fit into the L2: it is cleared, and the calls of a graph still take copies in turn.
      expect({ sets, flushed }).toEqual(
        cache === 'cold' ? { sets: calls, flushed: true } : { sets: 1, flushed: false },
      );
      expect('withoutDependentLaunch' in rest).toBe(rows <= 128);
    }
    expect(request.driver.live).toEqual({});
  });

  test('says what a kernel gets wrong: in the base, and in what repeats it', async () => {
    const lazy = (from: number): FakeKernel => ({
      ...SCALE_KERNEL,
      run: (launch) => {
        if (launch.parameters.getInt32(16, true) / 8 < from) SCALE_KERNEL.run!(launch);
      },
    });
    const [first] = (await runBench({ ...requestOf(lazy(0)), rows: { decode: [1] } })).cases;
    expect(first!.check.wrong[0]).toBe('out[0, 0] is never written');
    const [repeated] = (await runBench({ ...requestOf(lazy(65)), rows: { prefill: [192] } })).cases;
    expect(repeated!.check.wrong).toEqual([
      'byte 0 of out is not what the same row gives in a launch of fewer rows',
    ]);
    expect(caseLine(repeated!)).toContain('WRONG: byte 0 of out');
  });

  test('refuses a build that has nothing for the device', async () => {
    const request = requestOf();
    const subjects = request.subjects.filter(({ variant }) => variant.arch === 'sm100');
    await expect(runBench({ ...request, subjects })).rejects.toMatchObject({
      code: 'VARIANT_UNKNOWN',
      actual: 'none of 2 variants runs on Fake H200 (sm90)',
    });
    expect(request.driver.live).toEqual({});
  });
});

/** A peer process in JavaScript: answers as the Python one does. */
const STUB = `
const { createInterface } = require('node:readline');
const { copyFileSync, writeFileSync, readFileSync } = require('node:fs');
const say = (value) => console.log(JSON.stringify(value));
say({ ready: true, device: 'a stub', peers: { twice: '1.0', none: null } });
console.log('a library prints this');
let request;
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, op, ...more } = JSON.parse(line);
  if (op === 'quit') process.exit(0);
  if (op === 'prepare') {
    request = more;
    const out = more.folder + '/out.twice';
    const { byteLength } = readFileSync(more.tensors[0].file);
    const bytes = readFileSync(more.tensors[0].file);
    const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + byteLength));
    writeFileSync(out, Buffer.from(values.map((value) => value * more.scalars.factor).buffer));
    say({ id, ok: true, peers: { twice: { outputs: { out }, note: 'written twice' }, none: { absent: 'not installed' } } });
  } else if (op === 'round') say({ id, ok: true, microseconds: Array(more.replays).fill(1e6) });
  else if (op === 'release') say({ id, ok: true });
  else say({ id, ok: false, error: 'no such operation' });
});
`;

function stubPython(): { readonly python: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'rose-gen-peers-'));
  const python = join(folder, 'python');
  writeFileSync(join(folder, 'stub.cjs'), STUB);
  writeFileSync(python, `#!/bin/sh\nexec "${process.execPath}" "${join(folder, 'stub.cjs')}"\n`, {
    mode: 0o755,
  });
  return {
    python,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe('peers', () => {
  test('are timed on the same inputs, and compared with what ours gave', async () => {
    const { python, remove } = stubPython();
    try {
      const results = await runBench({
        ...requestOf(),
        rows: { decode: [64] },
        against: ['twice', 'none'],
        python,
      });
      expect(results.peers).toEqual({ twice: '1.0', none: null });
      for (const { peers, microseconds } of results.cases) {
        expect(peers['none']).toEqual({ absent: 'not installed' });
        expect(peers['twice']).toMatchObject({
          note: 'written twice',
          difference: 0,
          microseconds: { median: 1e6, samples: 25 },
          ratio: expect.closeTo(1e6 / microseconds.median, -2),
        });
      }
      expect(summaryLines(results.cases)[0]).toMatch(
        /^scale, cold: 1 cases, .* against the best peer .* times faster/,
      );
      expect(ratioChart(results)).toContain('(twice)');
      expect(roofline(results)).toContain('<title>scale.width8.f32.sm90.decode, 64 rows, cold');
    } finally {
      remove();
    }
  });

  test('that do not start, or end, say why', async () => {
    await using absent = new Peers('/nowhere/python');
    await expect(absent.ready()).rejects.toMatchObject({
      code: 'PEERS',
      actual: expect.stringContaining('ENOENT'),
    });
    await using dying = new Peers(process.execPath, [
      '-e',
      'console.error("no torch here"); process.exit(3)',
    ]);
    await expect(dying.ready()).rejects.toMatchObject({ code: 'PEERS', actual: 'no torch here' });
    await expect(dying.release()).rejects.toMatchObject({ code: 'PEERS' });
  });

  test('a request that is refused is an error with what was said', async () => {
    const { python, remove } = stubPython();
    try {
      await using peers = new Peers(python, []);
      expect(await peers.ready()).toMatchObject({ device: 'a stub' });
      await expect(peers.hostCost('twice', 10)).rejects.toMatchObject({
        code: 'PEERS',
        actual: 'no such operation',
      });
    } finally {
      remove();
    }
  });
});
