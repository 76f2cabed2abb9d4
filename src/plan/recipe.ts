/**
 * models/types/<model_type>.yaml -> Recipe: which kernels a kind of model needs, as expressions over its config.
 *
 * Which kernels those are is data, so that this code names none. A recipe may extend others: their fields and facts
 * come first and are overridden by its own, their checks, needs and gaps come before its own.
 */

import type { Place } from '../util/errors.js';
import type { Expression, TextRange } from './expression.js';

/** How a config field is checked when it is read. `size`: 1 or more; `count`: 0 or more; both whole. */
export type FieldKind = 'size' | 'count' | 'number' | 'flag' | 'text' | 'list';

export interface FieldDecl {
  readonly kind: FieldKind;
  /** May be absent or null. */
  readonly optional: boolean;
}

/** An expression, and where its parts are in the recipe's file. */
export interface RecipeExpression {
  readonly tree: Expression;
  readonly place: (range: TextRange) => Place;
}

/** Text with expressions in it: `norm of {layers} layers`. */
export type Template = readonly (string | RecipeExpression)[];

export interface Check {
  readonly require: RecipeExpression;
  readonly field: string;
  readonly place: Place;
  readonly message: Template;
}

export interface Need {
  /** Name of a spec: `quant_{quant}`. */
  readonly kernel: Template;
  readonly dims: ReadonlyMap<string, RecipeExpression>;
  readonly types: ReadonlyMap<string, RecipeExpression>;
  readonly flags: ReadonlyMap<string, RecipeExpression>;
  /** Phases it is needed in; absent: in every one. */
  readonly phases?: readonly Phase[];
  readonly when?: RecipeExpression;
  readonly reason: Template;
  readonly place: Place;
}

export interface Gap {
  readonly op: string;
  readonly when?: RecipeExpression;
  readonly reason: Template;
}

export interface Recipe {
  readonly modelType: string;
  readonly file: string;
  readonly fields: ReadonlyMap<string, FieldDecl>;
  readonly facts: ReadonlyMap<string, RecipeExpression>;
  /** Phases that such a model may not run in, and when it does. */
  readonly phases: ReadonlyMap<string, RecipeExpression>;
  readonly checks: readonly Check[];
  readonly needs: readonly Need[];
  readonly notCovered: readonly Gap[];
}

export type Phase = 'prefill' | 'decode';
export const PHASES: readonly Phase[] = ['prefill', 'decode'];

/**
 * What an expression can name besides fields and facts.
 * `dtype`, `kv_dtype`: dtypes of activations and of the KV cache. `page`: tokens a page of the KV cache. `quant`: how the inputs of quantised matrix products
 * are quantised: 'none', 'fp8' (e4m3, a scale a token), 'fp8_block' (e4m3, a scale for each 128 elements), 'int8' (a
 * scale a token). `pooling`: how token vectors become one: 'none', 'mean', 'last', 'cls', 'max' or 'other'.
 * `normalize`: whether that vector is scaled to length 1. `multimodal`: whether the config wraps a language model.
 */
export const GIVEN_FACTS = [
  'dtype',
  'kv_dtype',
  'page',
  'quant',
  'pooling',
  'normalize',
  'multimodal',
] as const;
export type GivenFact = (typeof GIVEN_FACTS)[number];
