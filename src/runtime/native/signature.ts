/**
 * What a C function takes and gives, as the runtime calls it.
 *
 * Handles, pointers and sizes are plain numbers (addresses of a 64-bit machine lie below 2^53), because that is what a call
 * costs least with.
 */

export type NativeType = 'int32' | 'uint32' | 'uint64';

export interface Signature {
  /** Exported name. */
  readonly symbol: string;
  readonly takes: readonly NativeType[];
  /** Default: `int32`, a status. */
  readonly gives?: NativeType;
}

export type Signatures = Readonly<Record<string, Signature>>;

/** A number in the place of each member. */
type Numbers<T extends readonly unknown[]> = { -readonly [K in keyof T]: number };

/** A number for each parameter, a number back. */
export type NativeApi<S extends Signatures> = {
  readonly [F in keyof S]: (...args: Numbers<S[F]['takes']>) => number;
};
