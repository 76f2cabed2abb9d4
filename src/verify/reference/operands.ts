/** What an operation on two values takes and gives, element by element; an error that is absent is 0. */

export interface Operands {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly ea: Float64Array | undefined;
  readonly eb: Float64Array | undefined;
}

export interface Result {
  readonly values: Float64Array;
  readonly error?: Float64Array;
}
