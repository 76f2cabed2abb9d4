/** A CuTeDSL module as small as can be, for one class of instructions, and its launch shape. */

export interface ClassModule {
  /** Statements of the kernel `k(a, b, out)`, with `t` the thread. */
  readonly body: string;
  /** Element types of a, b and out. */
  readonly types: readonly [string, string, string];
  readonly grid: number;
  readonly block: number;
  readonly cluster: number;
  /** Instructions that the PTX must hold: what the module is here for. */
  readonly instructions: readonly string[];
  /** Needs sm_90 or later. */
  readonly hopper: boolean;
}

export const DEFAULTS = {
  types: ['Int32', 'Int32', 'Int32'] as const,
  grid: 1,
  block: 32,
  cluster: 1,
  hopper: false,
};
