// grid.yaml -> variants to build, and cases to measure, the most important first.

import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { variantId } from '../../dist/plan/index.js';

const ROWS = [4096, 1, 32, 32768, 8, 128, 512];
/** Rows up to which a case is one of decode. */
const DECODE = 128;

/** Entries of the grid with every combination of their dimensions. @param only kernels; absent: all */
async function points(only) {
  const entries = parse(await readFile(new URL('grid.yaml', import.meta.url), 'utf8'));
  const unknown = only?.find((kernel) => !entries.some((entry) => entry.kernel === kernel));
  if (unknown !== undefined) throw new Error(`grid.yaml has no ${unknown}`);
  return entries
    .filter(({ kernel }) => only === undefined || only.includes(kernel))
    .flatMap(({ kernel, dims, types = {}, flags = {}, rows = ROWS }) =>
      combinations(Object.entries(dims)).map((chosen, rank) => ({
        kernel,
        binding: { dims: chosen, types, flags },
        rows,
        rank,
      })),
    );
}

/** [[name, values]] -> objects, those of the first values first. */
function combinations(entries) {
  if (entries.length === 0) return [{}];
  const [[name, values], ...rest] = entries;
  return values.flatMap((value) => combinations(rest).map((others) => ({ [name]: value, ...others })));
}

const phaseOf = (rows) => (rows <= DECODE ? 'decode' : 'prefill');

/** Planned variants of the grid for an architecture, each once. */
export async function gridVariants(specs, arch, only) {
  const variants = new Map();
  for (const { kernel, binding, rows } of await points(only)) {
    const spec = specs.get(kernel);
    for (const phase of new Set(rows.map(phaseOf))) {
      const id = variantId({ spec, binding, arch, phase, withoutPdl: false });
      variants.set(id, { id, kernel, binding, arch, phase, pdl: true, reasons: ['bench/gpu/grid.yaml'] });
    }
  }
  return [...variants.values()];
}

/**
 * Cases of the grid: id of the variant and rows. Every kernel comes with its first dimensions and rows before any comes with
 * others: the order is that of the places in both lists, added up.
 */
export async function gridCases(specs, arch, only) {
  const cases = (await points(only)).flatMap(({ kernel, binding, rows, rank }, order) =>
    rows.map((count, place) => ({
      variant: variantId({
        spec: specs.get(kernel),
        binding,
        arch,
        phase: phaseOf(count),
        withoutPdl: false,
      }),
      rows: count,
      after: [rank + place, order],
    })),
  );
  return cases
    .sort((a, b) => a.after[0] - b.after[0] || a.after[1] - b.after[1])
    .map(({ variant, rows }) => ({ variant, rows }));
}
