/** Casts from f32 to integers at the ends of their ranges: compiled, run, and compared with the reference. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openLibrary, type Library } from '../../src/runtime/index.js';
import { parseSpec, type Binding } from '../../src/spec/index.js';
import { roundTo } from '../../src/verify/reference/index.js';
import { Prover } from '../support/prover.js';

const N = 32;
const INTEGERS = ['i8', 'u8', 'i32', 'i64'] as const;
const ROUNDINGS = ['rn', 'rz', 'rm', 'rp'] as const;
const spec = parseSpec(
  `kernel: casts
doc: Saturating casts to integers.
dims: { rows: dynamic, n: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
${INTEGERS.flatMap((to) => ROUNDINGS.map((how) => `  ${to}_${how}: { shape: [rows, n], dtype: ${to}, access: out }`)).join('\n')}
formula: |
${INTEGERS.flatMap((to) => ROUNDINGS.map((how) => `  ${to}_${how} = ${to}.${how}.sat(x)`)).join('\n')}
`,
  'casts.yaml',
);
const binding: Binding = { dims: { n: N }, types: {}, flags: {} };

let prover: Prover;
let kernels: Library;

beforeAll(async () => {
  prover = await Prover.open();
  const folder = await prover.build('casts', new Map([['casts', spec]]), [['casts', binding]]);
  kernels = await openLibrary(folder, { device: 'sim', arch: 'sm90' });
}, 300_000);

afterAll(async () => {
  kernels.close();
  await prover.close();
});

test('saturate to the least and largest integer itself', () => {
  const ends = [2 ** 7, 2 ** 8, 2 ** 31, 2147483520, 2 ** 32, 2 ** 63, 9223371487098961920, 2 ** 64, 3e38];
  const values = [0, 0.5, 1.5, 127.5, 255.5, Infinity, ...ends].flatMap((x) => [x, -x]);
  const x = Float32Array.from({ length: N }, (_, n) => values[n] ?? 126.5);
  expect(values.length).toBeLessThanOrEqual(N);
  const outs = Object.fromEntries(
    INTEGERS.flatMap((to) => ROUNDINGS.map((how) => [`${to}_${how}`, kernels.tensor(to, [1, N])])),
  );
  kernels.launch(
    { kernel: 'casts', types: {}, flags: {} },
    { x: kernels.tensor('f32', [1, N], { values: x }), ...outs },
  );
  for (const to of INTEGERS)
    for (const how of ROUNDINGS) {
      const expected = [...x].map((each) => roundTo(each, to, how, true) + 0);
      expect({ to, how, got: [...outs[`${to}_${how}`]!.read()].map((each) => Number(each) + 0) }).toEqual({
        to,
        how,
        got: expected,
      });
    }
});

test('of NaN give some integer, and nothing is at fault', () => {
  const out = kernels.tensor('i32', [1, N]);
  const values = Float32Array.from({ length: N }, (_, n) => (n === 3 ? NaN : n));
  const outs = Object.fromEntries(
    INTEGERS.flatMap((to) => ROUNDINGS.map((how) => [`${to}_${how}`, kernels.tensor(to, [1, N])])),
  );
  kernels.launch(
    { kernel: 'casts', types: {}, flags: {} },
    { x: kernels.tensor('f32', [1, N], { values }), ...outs, i32_rz: out },
  );
  const got = [...out.read()].map(Number);
  expect(Number.isInteger(got[3])).toBe(true);
  expect(got.filter((_, n) => n !== 3)).toEqual([...values].filter((_, n) => n !== 3));
});
