/** Cuts of rows so long that halves of their masses would leave 32 bits: sums count how often they wrap. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openLibrary } from '../../src/runtime/index.js';
import { parseSpec, type Binding } from '../../src/spec/index.js';
import { grid } from '../../src/verify/reference/grid.js';
import { leadingAlong } from '../../src/verify/reference/rows.js';
import { Prover } from '../support/prover.js';
import { variantOf } from '../support/variants.js';

const spec = parseSpec(
  `kernel: run
doc: Probes how far a share of a row's weights reaches.
dims: { rows: dynamic, n: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
  w: { shape: [rows, n], dtype: f32 }
  share: { shape: [rows], dtype: f32 }
  last: { shape: [rows], dtype: i32, access: out }
formula: |
  last = argmax[n](select(nucleus[n](x, w, share), f32(index(n)), -inf))
`,
  'run.yaml',
);

let prover: Prover;
beforeAll(async () => {
  prover = await Prover.open();
}, 300_000);
afterAll(() => prover.close());

/** The vocabulary of Gemma 3 in one CTA, and a row of which each of two CTAs has more. */
test.each([
  ['sm80', 262_208],
  ['sm90', 600_000],
])(
  '%s: of a row of %d elements, a share ends where it should',
  async (arch, n) => {
    const binding: Binding = { dims: { n }, types: {}, flags: {} };
    const dir = await prover.buildVariants(`${arch}-${n}`, new Map([['run', spec]]), [
      variantOf(spec, binding, arch, 'decode', arch !== 'sm80'),
    ]);
    const kernels = await openLibrary(dir, { device: 'sim', arch });
    // Equal elements: lower positions lead. In the first row each has all the mass that it can have.
    const weights = Float32Array.from({ length: 2 * n }, (_, i) => (i < n ? 1 : (i % 97) / 96));
    const shares = [Math.fround(0.9), 0.75];
    const last = kernels.tensor('i32', [2]);
    kernels.launchVariant(kernels.variants[0]!.id, {
      x: kernels.tensor('f32', [2, n], { values: new Float32Array(2 * n) }),
      w: kernels.tensor('f32', [2, n], { values: weights }),
      share: kernels.tensor('f32', [2], { values: Float32Array.from(shares) }),
      last,
    });
    const wanted = shares.map((share, row) => {
      const own = grid(['n'], [n], Float64Array.from(weights.subarray(row * n, (row + 1) * n)));
      const need = grid([], [], Float64Array.of(share));
      return leadingAlong(grid(['n'], [n], new Float64Array(n)), 'n', own, need, () => n).values.lastIndexOf(
        1,
      );
    });
    expect([...last.read()].map(Number)).toEqual(wanted);
    expect(wanted[0]).toBe(Math.ceil(shares[0]! * n) - 1);
    kernels.close();
  },
  120_000,
);
