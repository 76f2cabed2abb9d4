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
    expect(() => renderVariant(variant, rmsNorm, { override: { threads: 2048 } })).toThrow(
      /too many threads/,
    );
    expect(() => renderVariant(variant, rmsNorm, { override: { cluster: 2 } })).toThrow(/no clusters/);
  });
});
