/** Formulas of a few lines, evaluated on a few numbers. */

import { bindKernel, parseSpec, type BoundKernel } from '../../../../src/spec/index.js';
import { evaluateReference } from '../../../../src/verify/reference/index.js';
import type { ReferenceOutput } from '../../../../src/verify/types.js';
import { bindingsOf } from '../../../support/variants.js';

export const X = 'x: { shape: [rows, cols], dtype: f32 }';
export const OUT = 'out: { shape: [rows, cols], dtype: f32, access: out }';

/** `formula`: one, or one for each section. Static dimensions have 4 elements. */
export function kernel(
  tensors: string,
  formula: string | Readonly<Record<string, string>>,
  dims = 'rows: dynamic, cols: static',
): BoundKernel {
  const block = (lines: string, indent: string): string => `|\n${lines.replace(/^/gm, indent)}\n`;
  const text =
    typeof formula === 'string'
      ? `formula: ${block(formula, '  ')}`
      : `formula:\n${Object.entries(formula)
          .map(([section, lines]) => `  ${section}: ${block(lines, '    ')}`)
          .join('')}`;
  const spec = parseSpec(
    `kernel: probe\ndoc: A probe.\ndims: { ${dims} }\ntensors: { ${tensors} }\n${text}`,
    'probe.yaml',
  );
  const sizes = Object.fromEntries(spec.dims.map(({ name }) => [name, 4]));
  return bindKernel(spec, bindingsOf(spec, sizes)[0]!);
}

export function run(
  bound: BoundKernel,
  extents: Readonly<Record<string, number>>,
  inputs: Readonly<Record<string, readonly number[]>>,
): ReadonlyMap<string, ReferenceOutput> {
  const fixed = Object.entries(bound.extents).filter(
    (entry): entry is [string, number] => entry[1] !== 'dynamic',
  );
  return evaluateReference(bound, {
    extents: { ...Object.fromEntries(fixed), ...extents },
    params: {},
    inputs: new Map(Object.entries(inputs).map(([name, values]) => [name, Float64Array.from(values)])),
  });
}

/** What `formula` gives for a row of four numbers in each input: values beside errors. */
export function row(
  tensors: string,
  formula: string,
  inputs: Readonly<Record<string, readonly number[]>>,
): { readonly values: readonly number[]; readonly error: readonly number[] } {
  const { values, error } = run(kernel(tensors, formula), { rows: 1 }, inputs).get('out')!;
  return { values: [...values], error: [...error] };
}
