import { describe, expect, test } from '@jest/globals';
import { renderVariant } from '../../../src/build/index.js';
import { ARCHITECTURES } from '../../../src/device/index.js';
import { layOutBlocks } from '../../../src/passes/block-lanes.js';
import { loadSpec, parseSpec, type Binding, type KernelSpec } from '../../../src/spec/index.js';
import { packagePath } from '../../../src/util/package-root.js';
import { raised } from '../../support/raised.js';
import { variantOf } from '../../support/variants.js';

const route = await loadSpec(packagePath('specs/moe_route_grouped.yaml'));

const render = (spec: KernelSpec, binding: Binding, arch = 'sm90', phase: 'prefill' | 'decode' = 'prefill') =>
  renderVariant(variantOf(spec, binding, arch, phase, false), spec, { stages: true });

const routed = (
  experts: number,
  groups: number,
  kept: number,
  topK: number,
  L: 'bf16' | 'f16' | 'f32' = 'bf16',
): Binding => ({ dims: { experts, groups, kept, top_k: topK }, types: { L }, flags: {} });

const lane = (axis: string, extent: number) => ({ axis, extent, dynamic: false });

describe('a row in blocks', () => {
  test.each([
    // Elements of a block, blocks, widest vector; then vector, threads of a block, elements a thread.
    [32, 8, 8, 8, 4, 8],
    [32, 8, 4, 4, 4, 8],
    [20, 8, 4, 1, 4, 5],
    [24, 16, 8, 4, 2, 12],
    [6, 4, 2, 1, 2, 3],
    [7, 3, 1, 1, 1, 7],
    [2, 512, 2, 2, 1, 32],
    [64, 1, 8, 2, 32, 2],
  ])('of %i elements, %i of them, vectors up to %i', (within, blocks, widest, vector, threads, held) => {
    expect(layOutBlocks([lane('n%b', within), lane('n/b', blocks)], widest)).toEqual({
      vector,
      threadsPerBlock: threads,
      held,
    });
  });

  test('is one warp each, on every architecture and in both phases, in one kernel of two parts', () => {
    for (const { name } of ARCHITECTURES) {
      for (const [phase, rows] of [
        ['prefill', 4],
        ['decode', 1],
      ] as const) {
        const { kernel } = render(route, routed(256, 8, 4, 8), name, phase);
        expect(kernel.sections).toHaveLength(1);
        const [section] = kernel.sections;
        expect(section!.schedule).toEqual({
          threadsPerRow: 32,
          rowsPerCta: rows,
          vector: 8,
          threadsPerBlock: 4,
        });
        expect(section!.then!.axes.map(({ axis }) => axis)).toEqual(['tokens', 'top_k']);
        expect(kernel.shared).toEqual([]);
      }
    }
  });

  test('looks for the ends of its blocks among their threads, for the leading blocks over the warp', () => {
    const { module, stages } = render(route, routed(256, 8, 4, 8));
    const laid = stages.find(({ pass }) => pass === 'lay-out-lanes')!.text;
    expect(laid).toContain('lanes ((4,8),8):((8,32),1)\n');
    expect(laid).toContain('cut along experts%32');
    expect(laid).toContain('cut along experts/32');
    expect(laid).toContain('top along experts/32, experts%32 to top_k');
    expect(module.text).toContain('largest_of(best, 4, 1)');
    expect(module.text.match(/warp_redux_sync\(/g)).toHaveLength(4);
  });

  test('takes no rounds where all blocks lead', () => {
    const { text } = render(route, routed(64, 4, 4, 8)).module;
    expect(text.match(/warp_redux_sync\(/g)).toHaveLength(2);
  });

  test('holds blocks that no threads share, also fewer and more of them than threads', () => {
    const lanes = (binding: Binding) => render(route, binding).kernel.sections[0]!.lanes!;
    expect(lanes(routed(21, 3, 2, 5))).toMatchObject({ tail: 'experts/7', partial: false, threads: 32 });
    expect(lanes(routed(192, 64, 9, 4)).tiles).toEqual([
      { axis: 'experts%3', extent: 3, step: 1 },
      { axis: 'experts/3', extent: 2, step: 32 },
    ]);
    expect(lanes(routed(256, 8, 4, 8)).tail).toBeUndefined();
  });
});

const probe = (formula: readonly string[], outputs: readonly string[]): KernelSpec =>
  parseSpec(
    `kernel: probe
doc: Probes blocks.
dims: { rows: dynamic, n: static, block: static, k: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
${outputs.map((output) => `  ${output}`).join('\n')}
formula: |
${formula.map((line) => `  ${line}`).join('\n')}
`,
    'probe.yaml',
  );
const AT = 'at: { shape: [rows, k], dtype: i32, access: out }';
const LED = 'at = top[n -> k](x, largest[n by block](x, 1))';

describe('what is refused of a row in blocks', () => {
  test.each([
    ['a thread would hold too much', [LED], [AT], { n: 250, block: 250, k: 3 }, 'would hold 125'],
    ['the row is too long', [LED], [AT], { n: 2048, block: 8, k: 3 }, '2048 in blocks of 8'],
    ['too much is selected', [LED], [AT], { n: 512, block: 8, k: 65 }, '65 elements'],
    [
      'a condition on a row that no warp holds',
      ['at = top[n -> k](x, x > f32(size(block)))'],
      [AT],
      { n: 1025, block: 8, k: 3 },
      'a selection under a condition',
    ],
    [
      'a value of blocks is picked',
      ['a = top[n -> k](x)', 'at = a', 'z = (x - max[n by block](x))[n: a]'],
      [AT, 'z: { shape: [rows, k], dtype: f32, access: out }'],
      { n: 64, block: 8, k: 3 },
      'a value of the blocks of n read at another position',
    ],
    [
      'the place in a block is picked',
      ['a = top[n -> k](x)', 'at = a', 'z = select(largest[n by block](x, 1)[n: a], 1, 0)'],
      [AT, 'z: { shape: [rows, k], dtype: i32, access: out }'],
      { n: 64, block: 8, k: 3 },
      'a value of the blocks of n read at another position',
    ],
    [
      'the whole row leads as well',
      ['at = top[n -> k](x, largest[n by block](x, 1) && largest[n](x, 9))'],
      [AT],
      { n: 64, block: 8, k: 3 },
      'a function of the whole row lies along it',
    ],
    [
      'blocks of two lengths',
      ['at = top[n -> k](x, largest[n by block](x, 1) && largest[n by 4](x, 1))'],
      [AT],
      { n: 64, block: 8, k: 3 },
      'blocks of 8 and of 4',
    ],
    [
      'threads of a CTA have what is selected',
      ['a = top[n -> k](x)', 'at = a', 'z = select(largest[k](x[n: a], 2), size(block), 0)'],
      [AT, 'z: { shape: [rows, k], dtype: i32, access: out }'],
      { n: 5000, block: 8, k: 100 },
      'a `largest` of what is selected',
    ],
    [
      'a nucleus of what is selected',
      ['a = top[n -> k](x)', 'at = a', 'z = select(nucleus[k](x[n: a], exp(x[n: a]), 0.5), size(block), 0)'],
      [AT, 'z: { shape: [rows, k], dtype: i32, access: out }'],
      { n: 64, block: 8, k: 9 },
      'a `nucleus` of what is selected',
    ],
  ] as const)('%s', (_what, formula, outputs, dims, actual) => {
    const error = raised(() => render(probe(formula, outputs), { dims, types: {}, flags: {} }));
    expect([error.code, error.actual]).toEqual(['FORMULA_UNSUPPORTED', expect.stringContaining(actual)]);
    expect([error.place?.file, error.expected === '', error.next === '']).toEqual([
      'probe.yaml',
      false,
      false,
    ]);
  });
});
