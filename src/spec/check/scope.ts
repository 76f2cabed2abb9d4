/**
 * What the names of a formula mean in one section, for one choice of types and flags.
 *
 * In section `s` of a cut dimension, tensors that carry it are seen with the section's own dimension in its place.
 */

import { RoseError, type Place } from '../../util/errors.js';
import type { Extents } from '../dims.js';
import { DTYPES, unknownName } from '../names.js';
import { shapeModes, type ShapeMode } from '../shapes.js';
import type { DimDecl, Dtype, Extent, KernelSpec, TensorDecl, TypedExpr } from '../types.js';

/** The static choices that a formula's types depend on. */
export interface Choice {
  readonly types: Readonly<Record<string, Dtype>>;
  readonly flags: Readonly<Record<string, boolean>>;
}

/** The cut dimension of a section, and the dimension that stands in its place. */
export interface Cut {
  readonly dim: string;
  readonly as: string;
}

/** A tensor as a section sees it. */
export interface TensorView {
  readonly decl: TensorDecl;
  readonly dtype: Dtype;
  readonly modes: readonly ShapeMode[];
}

/** A name that exists only under other flags; a statement that is never used may name it. */
export class AbsentName extends RoseError {}

export class Scope {
  /** Value of each local, or why it has none under these flags. */
  readonly locals = new Map<string, TypedExpr | AbsentName>();
  /** Those that tensors or params decide; the others are made of constants and positions. */
  readonly launchLocals = new Set<string>();
  private readonly dims: ReadonlyMap<string, DimDecl>;
  private readonly views = new Map<string, TensorView>();

  constructor(
    readonly spec: KernelSpec,
    readonly choice: Choice,
    private readonly extents: Extents,
    readonly cut: Cut | undefined,
  ) {
    this.dims = new Map(spec.dims.filter((dim) => dim.name !== cut?.dim).map((dim) => [dim.name, dim]));
  }

  exists(decl: { readonly when?: string }): boolean {
    return decl.when === undefined || this.choice.flags[decl.when] === true;
  }

  /** The tensor of that name. Raises AbsentName where the flags leave it out. */
  tensor(name: string, place: Place): TensorView | undefined {
    const known = this.views.get(name);
    if (known) return known;
    const decl = this.spec.tensors.find((tensor) => tensor.name === name);
    if (!decl) return undefined;
    this.requirePresent(decl, place);
    const modes = shapeModes(decl.shape).map((mode) =>
      mode.dim === this.cut?.dim ? { ...mode, dim: this.cut.as, axis: this.cut.as } : mode,
    );
    const twice = modes.find((mode, i) => modes.findIndex((other) => other.dim === mode.dim) !== i);
    if (twice) {
      throw new RoseError({
        code: 'SPEC_DIM',
        message: `in this section ${name} has the dimension ${twice.dim} twice`,
        place,
        actual: `${this.cut?.dim ?? ''} goes by the name ${twice.dim} here, and ${name} has both`,
        expected: 'each dimension once',
        next: `declare a second dimension of the same size for ${name}`,
      });
    }
    const view = { decl, dtype: this.dtype(decl.dtype)!, modes };
    this.views.set(name, view);
    return view;
  }

  param(name: string, place: Place): Dtype | undefined {
    const decl = this.spec.params.find((param) => param.name === name);
    if (decl) this.requirePresent(decl, place);
    return decl?.dtype;
  }

  /** The dtype that a name stands for: itself, or what its type variable is bound to. */
  dtype(name: string): Dtype | undefined {
    if (Object.hasOwn(this.choice.types, name)) return this.choice.types[name];
    return (DTYPES as readonly string[]).includes(name) ? (name as Dtype) : undefined;
  }

  isDim(name: string): boolean {
    return this.dims.has(name);
  }

  /** Raises FORMULA_NAME where no such dimension is seen here. */
  dim(name: string, place: Place): DimDecl {
    const dim = this.dims.get(name);
    if (dim) return dim;
    if (name === this.cut?.dim) {
      throw new RoseError({
        code: 'FORMULA_NAME',
        message: `${name} is cut into sections`,
        place,
        actual: name,
        expected: this.cut.as,
        next: `in this section ${name} goes by the name ${this.cut.as}`,
      });
    }
    throw unknownName('FORMULA_NAME', 'dimension', name, [...this.dims.keys()], place);
  }

  isDynamic(dim: string): boolean {
    return this.dims.get(dim)?.kind === 'dynamic';
  }

  /** Extent of a dimension; undefined while nothing is bound. */
  extent(dim: string): Extent | undefined {
    return this.extents.get(dim);
  }

  private requirePresent(decl: { readonly name: string; readonly when?: string }, place: Place): void {
    if (this.exists(decl)) return;
    throw new AbsentName({
      code: 'FORMULA_NAME',
      message: `${decl.name} does not exist when ${decl.when} is false`,
      place,
      actual: `${decl.name}, with ${decl.when} false`,
      expected: `a value that exists whatever ${decl.when} is`,
      next: `write select(${decl.when}, ..., ...) around it`,
    });
  }
}
