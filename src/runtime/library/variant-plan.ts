/**
 * A variant of the manifest -> how a call of it is checked and packed.
 *
 * `bind` looks at the arguments and keeps the dims and strides they give; `grid` and `write` then turn those into a
 * launch. What is kept is one call's: a plan serves one call at a time.
 */

import { evaluateExpr, exprDims } from '../../device/launch-expr.js';
import { evaluateGrid } from '../../device/launch-grid.js';
import type { Guard, VariantEntry } from '../../device/manifest.js';
import type { LaunchShape } from '../driver/launch-packet.js';
import type { RuntimeDevice } from '../runtime-device.js';
import { checkScalars, writeParameters, type CallArguments } from './parameter-writer.js';
import { guardRefusal, type Refusal } from './refusal.js';
import { TensorGuard, type CallValues } from './tensor-guard.js';

const MAX_GRID = [2 ** 31 - 1, 65_535, 65_535] as const;

export class VariantPlan {
  readonly grid: [number, number, number] = [0, 0, 0];
  readonly #tensors: readonly TensorGuard[];
  readonly #values: CallValues;
  /** Dims that the call brings and no tensor gives: passed by name. */
  readonly #namedDims: readonly string[];
  /** The tensors that give the dynamic dims. */
  readonly #givers: ReadonlyMap<string, string>;
  readonly #dimGuards: readonly Guard[];
  readonly #rowDims: readonly string[];

  constructor(
    readonly variant: VariantEntry,
    private readonly device: RuntimeDevice,
  ) {
    const bound = new Map<string, string>();
    this.#tensors = variant.tensors.map((tensor) => new TensorGuard(tensor, variant, bound));
    this.#givers = bound;
    const dims = Object.entries(variant.dims);
    this.#values = {
      dims: Object.fromEntries(dims.map(([name, extent]) => [name, extent === 'dynamic' ? 0 : extent])),
      strides: Object.fromEntries(variant.tensors.map(({ name, shape }) => [name, shape.map(() => 0)])),
      smCount: device.multiprocessors,
    };
    const dynamic = dims.filter(([, extent]) => extent === 'dynamic').map(([name]) => name);
    this.#namedDims = dynamic.filter((name) => !bound.has(name));
    this.#dimGuards = variant.guards.filter(
      (guard) => guard.kind.startsWith('dim') || guard.kind === 'strideMultiple',
    );
    const inGrid = new Set(variant.launch.grid.flatMap((expression) => exprDims(expression)));
    this.#rowDims = dynamic.filter((name) => inGrid.has(name));
  }

  /** Bytes of the parameter buffer. */
  get parameterBytes(): number {
    const last = this.variant.params.at(-1);
    return last ? last.offset + last.size : 0;
  }

  get shape(): LaunchShape {
    const { block, cluster, sharedMemoryBytes, pdl, cooperative } = this.variant.launch;
    return { block, cluster, sharedMemoryBytes, pdl, cooperative, parameterBytes: this.parameterBytes };
  }

  /** How many rows the last bound call works on: the largest dim that its grid depends on. */
  get rows(): number {
    let rows = 0;
    for (const name of this.#rowDims) rows = Math.max(rows, this.#values.dims[name]!);
    return rows;
  }

  /** CTAs of the last bound call. */
  get ctas(): number {
    return this.#ctasOf(this.#values);
  }

  /** CTAs of a call of so many rows, whose other dims are those of the last bound call. */
  ctasFor(rows: number): number {
    const dims = { ...this.#values.dims };
    for (const name of this.#rowDims) dims[name] = rows;
    return this.#ctasOf({ ...this.#values, dims });
  }

  get ctasInCluster(): number {
    const { cluster } = this.variant.launch;
    return cluster[0] * cluster[1] * cluster[2];
  }

  /** What stands against the call, or undefined. */
  bind(args: CallArguments): Refusal | undefined {
    const values = this.#values;
    for (let i = 0; i < this.#tensors.length; i++) {
      const guard = this.#tensors[i]!;
      const tensor = args[guard.name];
      if (typeof tensor !== 'object') return missing(`tensor ${guard.name}`, tensor);
      const refusal = guard.bindDims(tensor, values);
      if (refusal) return refusal;
    }
    for (let i = 0; i < this.#namedDims.length; i++) {
      const name = this.#namedDims[i]!;
      const extent = args[name];
      if (typeof extent !== 'number' || !Number.isSafeInteger(extent) || extent < 0) {
        return missing(`dimension ${name}`, extent);
      }
      values.dims[name] = extent;
    }
    for (let i = 0; i < this.#tensors.length; i++) {
      const guard = this.#tensors[i]!;
      const refusal = guard.check(
        args[guard.name] as Exclude<CallArguments[string], number>,
        values,
        this.device,
      );
      if (refusal) return refusal;
    }
    return this.#checkDims() ?? checkScalars(this.variant.params, args);
  }

  /** Computes the grid of the bound call; false where there is nothing to do. Raises LAUNCH_GUARD. */
  computeGrid(): boolean {
    const { grid: rules, cluster } = this.variant.launch;
    for (let axis = 0; axis < 3; axis++) {
      const count = evaluateExpr(rules[axis]!, this.#values);
      if (count < 0 || count > MAX_GRID[axis]! || count % cluster[axis]! !== 0) {
        evaluateGrid(this.variant.launch, this.#values); // raises, with the numbers
      }
      this.grid[axis] = count;
    }
    return this.grid[0] !== 0 && this.grid[1] !== 0 && this.grid[2] !== 0;
  }

  write(view: DataView, args: CallArguments): void {
    writeParameters(view, this.variant.params, args, this.#values);
  }

  #ctasOf(values: CallValues): number {
    const { grid } = this.variant.launch;
    return evaluateExpr(grid[0], values) * evaluateExpr(grid[1], values) * evaluateExpr(grid[2], values);
  }

  #checkDims(): Refusal | undefined {
    const { dims, strides } = this.#values;
    for (let i = 0; i < this.#dimGuards.length; i++) {
      const guard = this.#dimGuards[i]!;
      if (guard.kind === 'strideMultiple') {
        const stride = strides[guard.tensor]![guard.axis]!;
        if (stride % guard.value !== 0) {
          return guardRefusal(
            `stride ${guard.axis} of the tensor ${guard.tensor} is not a multiple`,
            `${stride} elements`,
            `a multiple of ${guard.value}`,
            'pad the rows of the tensor',
          );
        }
      } else if (guard.kind !== 'arch' && guard.kind !== 'dtype' && guard.kind !== 'alignment') {
        const extent = dims[guard.dim]!;
        if (!holds(guard.kind, extent, guard.value)) {
          const giver = this.#givers.get(guard.dim);
          return guardRefusal(
            `the dimension ${guard.dim} is out of what the variant was built for`,
            `${guard.dim} = ${extent}${giver === undefined ? '' : ` by ${giver}`}`,
            `${WORDS[guard.kind]} ${guard.value}`,
            'pass tensors within that, in several calls where there is more',
          );
        }
      }
    }
    return undefined;
  }
}

const WORDS = {
  dimEquals: 'exactly',
  dimMin: 'at least',
  dimMax: 'at most',
  dimMultiple: 'a multiple of',
} as const;

function holds(kind: keyof typeof WORDS, extent: number, value: number): boolean {
  switch (kind) {
    case 'dimEquals':
      return extent === value;
    case 'dimMin':
      return extent >= value;
    case 'dimMax':
      return extent <= value;
    case 'dimMultiple':
      return extent % value === 0;
    default:
      kind satisfies never;
      return false;
  }
}

function missing(what: string, found: unknown): Refusal {
  return guardRefusal(
    `the ${what} is missing`,
    found === undefined ? 'nothing' : String(found),
    what.startsWith('tensor') ? 'a tensor' : 'a whole number of at least 0',
    'pass it by its name',
  );
}
