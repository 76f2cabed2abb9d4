import { describe, expect, test } from '@jest/globals';
import { ARCHITECTURES, architecture } from '../../../src/device/index.js';
import { renderVariant } from '../../../src/build/index.js';
import { loadSpecs, parseSpec, type KernelSpec } from '../../../src/spec/index.js';
import { RoseError } from '../../../src/util/errors.js';
import { packagePath } from '../../../src/util/package-root.js';
import { SAMPLES } from '../../support/sample-specs.js';
import { bindingsOf, variantOf } from '../../support/variants.js';

const library = await loadSpecs(packagePath('specs'));
const samples = Object.entries(SAMPLES).map(([name, text]) => parseSpec(text, `${name}.yaml`));
const rmsNorm = library.get('rms_norm')!;

function render(
  spec: KernelSpec,
  sizes: Record<string, number>,
  arch = 'sm90',
  phase: 'prefill' | 'decode' = 'prefill',
) {
  return renderVariant(variantOf(spec, bindingsOf(spec, sizes)[0]!, arch, phase), spec, { stages: true });
}

describe('the pipeline', () => {
  test.each([...library.values(), ...samples].map((spec) => [spec.name, spec] as const))(
    '%s: the IR holds after every pass, for every binding, phase and architecture',
    (_name, spec) => {
      for (const binding of bindingsOf(spec, { page: 16, half: 64, q_heads: 4, k_heads: 2 })) {
        for (const arch of ['sm80', 'sm90', 'sm100']) {
          for (const phase of ['prefill', 'decode'] as const) {
            const variant = variantOf(spec, binding, arch, phase, architecture(arch).hasDependentLaunch);
            try {
              const first = renderVariant(variant, spec, { stages: true });
              expect(renderVariant(variant, spec, { stages: true }).module.text).toBe(first.module.text);
              expect(first.stages.length).toBeGreaterThan(5);
            } catch (error) {
              // fp8 needs casts that sm80 lacks; everything else must go through.
              expect([error instanceof RoseError && error.code, arch]).toEqual([
                'TARGET_UNSUPPORTED',
                'sm80',
              ]);
            }
          }
        }
      }
    },
  );

  test.each([
    1, 7, 64, 100, 128, 384, 1000, 1001, 1536, 4096, 5120, 7168, 12345, 32768, 65536, 151936, 300000,
  ])('rows of %i elements on every architecture', (hidden) => {
    for (const arch of ARCHITECTURES) {
      for (const phase of ['prefill', 'decode'] as const) {
        const variant = variantOf(
          rmsNorm,
          bindingsOf(rmsNorm, { hidden })[0]!,
          arch.name,
          phase,
          arch.hasDependentLaunch,
        );
        const { kernel } = renderVariant(variant, rmsNorm, { stages: true });
        const { lanes, schedule } = kernel.sections[0]!;
        expect(schedule!.vector * 2).toBeLessThanOrEqual(arch.maxVectorBits / 8);
        expect(hidden % schedule!.vector).toBe(0);
        expect(kernel.schedule!.threads).toBeLessThanOrEqual(1024);
        expect(lanes!.cluster === 1 || arch.hasClusters).toBe(true);
      }
    }
  });

  test('vectors are as wide as architecture and layout allow', () => {
    expect(render(rmsNorm, { hidden: 4096 }, 'sm90').kernel.sections[0]!.schedule!.vector).toBe(8);
    expect(render(rmsNorm, { hidden: 4096 }, 'sm100').kernel.sections[0]!.schedule!.vector).toBe(16);
    expect(render(rmsNorm, { hidden: 1004 }, 'sm90').kernel.sections[0]!.schedule!.vector).toBe(4);
    expect(render(rmsNorm, { hidden: 1001 }, 'sm90').kernel.sections[0]!.schedule!.vector).toBe(1);
  });

  test('rows apart from each other keep wide vectors at any length, and end inside one', () => {
    const { kernel, module } = render(parseSpec(SAMPLES.STRIDED_NORM, 's.yaml'), { hidden: 1001 });
    expect(kernel.sections[0]!.schedule!.vector).toBe(8);
    expect(kernel.sections[0]!.lanes!.partial).toBe(true);
    expect(module.text).toMatch(/if lane \* 8 \+ tile \* \d+ \+ 8 <= 1001:/);
    expect(render(parseSpec(SAMPLES.STRIDED_NORM, 's.yaml'), { hidden: 1000 }).module.text).not.toContain(
      'else:',
    );
  });

  test('a persistent grid loads weights once, before its loop', () => {
    const variant = variantOf(rmsNorm, bindingsOf(rmsNorm, { hidden: 4096 })[0]!);
    const { text } = renderVariant({ ...variant, schedule: { ctasPerSm: 4 } }, rmsNorm).module;
    const loop = text.indexOf('for row_tile in cutlass.range(');
    expect(loop).toBeGreaterThan(0);
    expect(text.indexOf('g_weight[')).toBeLessThan(loop);
    expect(text.indexOf('g_x[')).toBeGreaterThan(loop);
  });

  test('elements, not their scales, decide which axis lies along a vector', () => {
    const spec = library.get('rms_norm_quant_fp8_block')!;
    const { lanes } = render(spec, { hidden: 65536 }).kernel.sections[0]!;
    expect(lanes!.axes[0]!.axis).toBe('hidden%128');
  });

  test('a row read from back to front is loaded so: no value moves between threads', () => {
    const { kernel, module } = render(parseSpec(SAMPLES.REVERSED, 'r.yaml'), {});
    expect(kernel.sections[0]!.values.some((value) => value.kind === 'remap')).toBe(false);
    expect(module.text).toMatch(/\* -1 \+ 249/);
  });

  test('in place, a row cannot be read at a position that another thread writes', () => {
    const text = SAMPLES.REVERSED.replace('  out: { shape: [rows, cols], dtype: T, access: out }\n', '')
      .replace('dtype: T }', 'dtype: T, access: inout }')
      .replace('  out = T(h[cols: 249 - cols])\n', '  x = T(h[cols: 249 - cols])\n');
    expect(() => render(parseSpec(text, 'r.yaml'), {})).toThrow(
      expect.objectContaining({ code: 'FORMULA_UNSUPPORTED' }),
    );
  });

  test('a dimension cannot be walked by ranges and written position by position in one kernel', () => {
    const text = SAMPLES.RAGGED_MAX.replace('formula: |\n', 'formula: |\n  copy = x\n').replace(
      'tensors:\n',
      'tensors:\n  copy: { shape: [tokens, hidden], dtype: T, access: out }\n',
    );
    expect(() => render(parseSpec(text, 'r.yaml'), {})).toThrow(
      expect.objectContaining({ code: 'FORMULA_UNSUPPORTED' }),
    );
  });

  test('all lanes of a row walk the same range', () => {
    const text = SAMPLES.RAGGED_MAX.replace('[sequences+1]', '[hidden+1]')
      .replace('[sequences, hidden]', '[hidden]')
      .replace(', sequences: dynamic', '');
    expect(() => render(parseSpec(text, 'r.yaml'), {})).toThrow(
      expect.objectContaining({ code: 'FORMULA_UNSUPPORTED' }),
    );
  });

  test('an index along a cut dimension stays within its own section', () => {
    const { text } = render(parseSpec(SAMPLES.CUT_GATHER, 'c.yaml'), {}).module;
    expect(text).toMatch(/Int64\(ids\w*\) < 5|ids\w*\[0\]\) < 5/);
  });

  test('decode spreads a row over more threads than prefill', () => {
    const threads = (phase: 'prefill' | 'decode') =>
      render(rmsNorm, { hidden: 4096 }, 'sm90', phase).kernel.schedule!.threads;
    expect(threads('decode')).toBeGreaterThan(threads('prefill'));
  });

  test('short rows are reduced within a warp, with no shared memory', () => {
    const { kernel, module } = render(rmsNorm, { hidden: 128 });
    expect(kernel.shared).toEqual([]);
    expect(module.text).not.toContain('sync_threads');
  });

  test('long rows: a cluster on sm90, shared memory on sm80, several passes beyond both', () => {
    expect(render(rmsNorm, { hidden: 65536 }, 'sm90').kernel.schedule!.cluster).toBeGreaterThan(1);
    const variant = (hidden: number) =>
      variantOf(rmsNorm, bindingsOf(rmsNorm, { hidden })[0]!, 'sm80', 'prefill', false);
    expect(renderVariant(variant(32768), rmsNorm).kernel.schedule!.residency).toBe('shared');
    expect(renderVariant(variant(300000), rmsNorm).kernel.schedule!.residency).toBe('reload');
  });

  test('weights are loaded before the wait for the previous kernel, inputs after it', () => {
    const { text } = render(rmsNorm, { hidden: 4096 }).module;
    const wait = text.indexOf('griddepcontrol_wait');
    expect(text.indexOf('g_weight[')).toBeLessThan(wait);
    expect(text.indexOf('g_x[')).toBeGreaterThan(wait);
    const off = renderVariant(variantOf(rmsNorm, bindingsOf(rmsNorm)[0]!, 'sm90', 'prefill', false), rmsNorm)
      .module.text;
    expect(off).not.toContain('griddepcontrol');
    expect(off).not.toContain('use_pdl');
  });

  test('a row that is loaded again is written only after it was read', () => {
    const spec = library.get('add_rms_norm')!;
    const { text } = renderVariant(
      variantOf(spec, bindingsOf(spec, { hidden: 300000 })[0]!, 'sm80', 'prefill', false),
      spec,
    ).module;
    expect(text.lastIndexOf('g_residual[')).toBeGreaterThan(text.indexOf('reduce_sum(sum'));
    expect(text.match(/g_residual\[[^\]]*\]\.store/g)).toHaveLength(1);
  });

  test('what an architecture lacks is a typed rejection with the numbers', () => {
    const quant = library.get('quant_fp8')!;
    const rejected = (spec: KernelSpec, arch: string, pdl: boolean) => {
      try {
        renderVariant(variantOf(spec, bindingsOf(spec)[0]!, arch, 'prefill', pdl), spec);
        return undefined;
      } catch (error) {
        return (error as RoseError).code;
      }
    };
    expect(rejected(quant, 'sm80', false)).toBe('TARGET_UNSUPPORTED');
    expect(rejected(quant, 'sm89', false)).toBeUndefined();
    expect(rejected(rmsNorm, 'sm80', true)).toBe('TARGET_UNSUPPORTED');
  });

  test('a schedule that cannot fit is refused with the limit', () => {
    const variant = variantOf(rmsNorm, bindingsOf(rmsNorm, { hidden: 4096 })[0]!, 'sm80', 'prefill', false);
    expect(() => renderVariant({ ...variant, schedule: { threads: 2048 } }, rmsNorm)).toThrow(
      /too many threads/,
    );
    expect(() => renderVariant({ ...variant, schedule: { cluster: 2 } }, rmsNorm)).toThrow(/no clusters/);
  });
});
