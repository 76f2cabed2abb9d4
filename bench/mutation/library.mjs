// Small variants of every kernel of specs/: what mutants are made of. Sizes are such that a verdict takes well under a
// second and that every form of a schedule is there: a row in one warp, in several, with a tail, in a cluster.

import { enumerateBindings } from '../../dist/spec/index.js';

const HEADS = { half: 8, q_heads: 2, k_heads: 1, page: 4 };
/** Experts, as fewer than a warp and with gaps between their rows, and groups of them. */
const EXPERTS = { experts: 20, total: 24, pad: 4, groups: 4, kept: 2 };
/** Dimensions that rows lie along; of a router the experts. */
const ROWS = ['hidden', 'inter', 'vocab', 'cols', 'batch'];

/** How many a selection takes of a row, which one warp holds: rows of these sizes. */
const SELECTED = { k: 5, top_k: 5, n: 5 };
const SELECTION_SIZES = [
  { row: 128, phase: 'prefill' },
  { row: 40, phase: 'decode' },
];

/** Sizes of the row, each with the phase it is compiled for; kernels that quantise blocks of 128 take whole blocks. */
const SIZES = [
  { row: 256, phase: 'prefill' },
  { row: 1000, blocked: 640, phase: 'decode' },
  { row: 1536, phase: 'prefill' },
];

/** A row that a cluster of CTAs shares. */
const CLUSTERED = { row: 4096, phase: 'decode', schedule: { cluster: 2 } };

/** Element types: the first that a spec lists for each name, `e4m3` caches where they are quantised. */
function isChosen(spec, { types, flags }) {
  const wanted = { T: 'bf16', O: 'f32', I: 'i64', R: 'f32', C: flags.quantised ? 'e4m3' : 'bf16' };
  return spec.types.every(({ name, choices }) => types[name] === (wanted[name] ?? choices[0]));
}

const selects = (spec) => JSON.stringify(spec.formulas).includes('"kind":"top"');

/** @returns planned variants of the specs, in a fixed order */
export function libraryVariants(specs, archs) {
  const variants = [];
  for (const spec of specs.values()) {
    const statics = spec.dims.filter(({ kind }) => kind === 'static').map(({ name }) => name);
    const isRouter = selects(spec) && statics.includes('experts');
    const rowDim = statics.find((name) => ROWS.includes(name)) ?? (isRouter ? 'experts' : undefined);
    const whole = selects(spec) ? SELECTION_SIZES : SIZES;
    const sizes = rowDim ? [...whole, ...(clusters(spec) ? [CLUSTERED] : [])] : SIZES.slice(0, 2);
    for (const { types, flags } of enumerateBindings(spec).filter((each) => isChosen(spec, each))) {
      for (const { row, blocked, phase, schedule } of sizes) {
        const size = spec.name.endsWith('_block') ? (blocked ?? row) : row;
        const others = { ...HEADS, ...EXPERTS, ...SELECTED };
        const dims = Object.fromEntries(statics.map((name) => [name, name === rowDim ? size : others[name]]));
        for (const arch of archs) {
          const id = [
            spec.name,
            ...Object.entries(dims).map(([name, extent]) => `${name}${extent}`),
            ...Object.values(types),
            ...Object.keys(flags).filter((flag) => flags[flag]),
            ...(schedule ? ['cluster2'] : []),
            arch,
            phase,
          ].join('.');
          variants.push({
            id,
            kernel: spec.name,
            binding: { dims, types, flags },
            arch,
            phase,
            pdl: true,
            ...(schedule && { schedule }),
            reasons: ['mutation testing'],
          });
        }
      }
    }
  }
  return variants;
}

/** Reductions over the whole row can be shared by a cluster. */
const clusters = (spec) => ['add_rms_norm', 'rms_norm', 'layer_norm', 'softmax'].includes(spec.name);
