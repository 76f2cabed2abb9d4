/**
 * What a recipe needs of a kernel -> the Binding of its spec, or why the spec does not cover these sizes.
 *
 * Every static dimension, type and flag of the spec must be bound, and nothing else: a slip there is the recipe's and
 * an error. A size that the spec cannot have (a row that its blocks do not fill) is the model's and a gap of the plan.
 */

import { bindKernel } from '../spec/index.js';
import type { Binding, BoundKernel, Dtype, KernelSpec } from '../spec/types.js';
import { RoseError, closest, type ErrorCode, type Place } from '../util/errors.js';
import type { Facts } from './facts.js';
import type { Need, RecipeExpression } from './recipe.js';

export type Bound =
  | { readonly kind: 'bound'; readonly kernel: BoundKernel }
  /** The spec is not for these sizes. */
  | { readonly kind: 'gap'; readonly reason: string };

/** What `bindKernel` raises where names and dtypes are right and the sizes are not. */
const SIZE_ERRORS: readonly ErrorCode[] = ['SPEC_DIM', 'SPEC_LAYOUT', 'FORMULA_TYPE'];

/** Raises RECIPE_INVALID for a kernel or name that no spec declares, SPEC_DTYPE for a dtype that it does not take. */
export function bindNeed(need: Need, specs: ReadonlyMap<string, KernelSpec>, facts: Facts): Bound {
  const name = facts.text(need.kernel);
  const spec = specs.get(name);
  if (!spec) throw slip(`no spec is named ${name}`, need.place, name, [...specs.keys()]);
  return bindSizes(spec, {
    dims: bindDims(need, spec, facts),
    types: bindTypes(need, spec, facts),
    flags: bindFlags(need, spec, facts),
  });
}

function bindDims(need: Need, spec: KernelSpec, facts: Facts): Binding['dims'] {
  const names = spec.dims.filter(({ kind }) => kind === 'static').map(({ name }) => name);
  return bindAll(spec, 'dimension', need, need.dims, names, (expression) => {
    const value = facts.number(expression);
    if (Number.isInteger(value) && value >= 1) return value;
    throw new RoseError({
      code: 'RECIPE_INVALID',
      message: `${spec.name} cannot have this dimension`,
      place: expression.place(expression.tree),
      actual: String(value),
      expected: 'a whole number, 1 or more',
      next: 'mend the recipe, or say under `when` for which models the need holds',
    });
  });
}

function bindTypes(need: Need, spec: KernelSpec, facts: Facts): Binding['types'] {
  const byName = new Map(spec.types.map((type) => [type.name, type]));
  return bindAll(spec, 'type', need, need.types, [...byName.keys()], (expression, name) => {
    const value = facts.word(expression);
    const { choices, span } = byName.get(name)!;
    const chosen: Dtype | undefined = choices.find((choice) => choice === value);
    if (chosen) return chosen;
    throw new RoseError({
      code: 'SPEC_DTYPE',
      message: `${spec.name} does not take ${value} for ${name}`,
      place: span,
      actual: value,
      expected: `one of ${choices.join(', ')}`,
      next: 'choose another dtype for the model or its KV cache',
    });
  });
}

/** A flag with one choice needs no binding. */
function bindFlags(need: Need, spec: KernelSpec, facts: Facts): Binding['flags'] {
  const byName = new Map(spec.flags.map((flag) => [flag.name, flag.choices]));
  const only = new Map(
    spec.flags.flatMap(({ name, choices }) => (choices.length === 1 ? [[name, choices[0]!] as const] : [])),
  );
  const open = [...byName.keys()].filter((name) => need.flags.has(name) || !only.has(name));
  const bound = bindAll(spec, 'flag', need, need.flags, open, (expression, name) => {
    const value = facts.truth(expression);
    if (byName.get(name)!.includes(value)) return value;
    throw slip(
      `${spec.name} has no form with ${name} ${value}`,
      expression.place(expression.tree),
      String(value),
      [...byName.get(name)!.map(String)],
    );
  });
  return Object.fromEntries([...byName.keys()].map((name) => [name, bound[name] ?? only.get(name)!]));
}

/** In the spec's order of declaration. */
function bindAll<T>(
  spec: KernelSpec,
  what: string,
  need: Need,
  given: ReadonlyMap<string, RecipeExpression>,
  names: readonly string[],
  bind: (expression: RecipeExpression, name: string) => T,
): Readonly<Record<string, T>> {
  for (const [name, { place, tree }] of given) {
    if (!names.includes(name))
      throw slip(`${spec.name} has no ${what} ${name} to bind`, place(tree), name, names);
  }
  return Object.fromEntries(
    names.map((name) => {
      const expression = given.get(name);
      if (!expression)
        throw slip(`the recipe leaves ${what} ${name} of ${spec.name} open`, need.place, name, []);
      return [name, bind(expression, name)];
    }),
  );
}

/** A size that does not work out is a gap in the spec's own words; any other failure is an error. */
export function bindSizes(spec: KernelSpec, binding: Binding): Bound {
  try {
    return { kind: 'bound', kernel: bindKernel(spec, binding) };
  } catch (error) {
    if (!(error instanceof RoseError) || !SIZE_ERRORS.includes(error.code)) throw error;
    const detail = error.actual === undefined ? '' : ` (${error.actual})`;
    return { kind: 'gap', reason: `${error.message}${detail}` };
  }
}

function slip(message: string, place: Place, actual: string, known: readonly string[]): RoseError {
  const near = closest(actual, known);
  return new RoseError({
    code: 'RECIPE_INVALID',
    message,
    place,
    actual,
    ...(known.length > 0 && { expected: `one of ${known.join(', ')}` }),
    next: near === undefined || near === actual ? 'mend the recipe' : `did you mean ${near}?`,
  });
}
