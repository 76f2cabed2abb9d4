/** What generated code finds around it, besides the intrinsics: memory, accesses, copies, and whom to tell of faults. */

import type { AccessState, Accesses } from './access/index.js';
import type { AsyncFunctions } from './async/functions.js';
import { generate } from './codegen/generate.js';
import { intrinsics } from './intrinsics/index.js';
import type { CompiledKernel } from './launch-options.js';
import { WINDOWS } from './lower/windows.js';
import { NOWHERE } from './memory.js';
import type { Segment } from './memory.js';
import type { Profiler } from './profile.js';
import type { WarpMachine } from './program.js';
import type { PointArrays, StretchFunction } from './schedule/scheduler.js';

/** Names that generated code takes from its environment. */
export const MACHINE_NAMES: readonly string[] = [
  'F0 I0 C N X Y Z V W D K A at NS SF TR OF UR BV BN OS OG OX',
  'GL GS GT GA SL SS ST SA LL LS LT LA PL XL XS XT XA XO',
  'S32 SF32 SU16 SU8 L32 LF32 LU16 LU8 P32 PF32 PU16 PU8',
  'CA CC CW MI MV MA MX CM SY BL BS BD TL TS BC BW FN',
].flatMap((line) => line.split(' '));

export interface Parts {
  readonly kernel: CompiledKernel;
  readonly state: AccessState;
  readonly functions: Accesses & AsyncFunctions;
  readonly shared: Segment;
  readonly local: Segment;
  readonly parameters: Segment;
  readonly points: readonly PointArrays[];
  readonly at: Int32Array;
  readonly ctaWords: Int32Array;
  readonly launchWords: Int32Array;
  /** High words of the addresses of the module's variables. */
  readonly variables: readonly number[];
  readonly warps: WarpMachine;
  readonly profiler: Profiler | undefined;
  /** Threads that the arrays hold, and the block's extents. */
  readonly capacity: number;
  readonly block: readonly [number, number, number];
  overrun(thread: number, instruction: number): never;
}

/** Binds the stretches of a kernel to a machine. */
export function instantiate(parts: Parts): StretchFunction[] {
  const { kernel, state, functions, shared, local, parameters, capacity, block, profiler } = parts;
  const { names, program } = kernel;
  const generated = profiler ? generate(program, names, true) : kernel.generated;
  const coordinate = (axis: 0 | 1 | 2): Int32Array =>
    Int32Array.from({ length: state.threadStride }, (_, t) => {
      const [x, y] = block;
      return axis === 0 ? t % x : axis === 1 ? Math.floor(t / x) % y : Math.floor(t / (x * y));
    });
  const scratch = new Float32Array(1);
  const kept = new Map(
    [...generated.kept].map(([slot, how]) => [
      slot,
      how === 'f' ? new Float32Array(capacity) : new Int32Array(capacity),
    ]),
  );
  const environment: Record<string, unknown> = {
    ...intrinsics(),
    ...functions,
    ...orders(state),
    F0: scratch,
    I0: new Int32Array(scratch.buffer),
    C: parts.ctaWords,
    N: parts.launchWords,
    X: coordinate(0),
    Y: coordinate(1),
    Z: coordinate(2),
    V: { high: parts.variables },
    W: state.world,
    D: state.dependencyMet,
    K: kept,
    A: parts.points,
    at: parts.at,
    NS: NOWHERE,
    BV: profiler?.visits ?? new Int32Array(0),
    BN: capacity,
    OF: parts.overrun,
    SF: (lane: number, g: number, instruction: number) => {
      parts.warps.fault('divergent-shuffle', g, instruction, `reads lane ${lane}, which does not take part`);
    },
    UR: (g: number, instruction: number, slot: number) => {
      state.report('uninitialised-read', g, instruction, {
        detail: `reads the register ${program.slotNames[slot]!}, which nothing has written`,
      });
    },
    TR: (g: number, instruction: number) => {
      state.report('trap', g, instruction, { detail: 'the kernel traps' });
    },
    ...{ S32: shared.i32, SF32: shared.f32, SU16: shared.u16, SU8: shared.u8 },
    ...{ L32: local.i32, LF32: local.f32, LU16: local.u16, LU8: local.u8 },
    ...{ P32: parameters.i32, PF32: parameters.f32, PU16: parameters.u16, PU8: parameters.u8 },
  };
  const missing = names.filter((name) => !(name in environment));
  if (missing.length) throw new Error(`generated code lacks ${missing.join(', ')}`);
  const make = new Function('E', generated.source) as (environment: object) => StretchFunction[];
  return make(environment);
}

/** Ordered accesses to a place in shared, global and generic memory (bits as in `publication.ts`), and fences. */
function orders({ hazards, publication }: AccessState): Readonly<Record<string, unknown>> {
  const OS = (k: number, mode: number, g: number): void => {
    hazards.flag(k, mode, g);
  };
  const OG = (hi: number, lo: number, mode: number, g: number): void => {
    publication?.access(hazards.order.slotOf(g), `${hi} ${lo}`, mode);
  };
  const OX = (hi: number, lo: number, k: number, shared: number, global: number, g: number): void => {
    if (hi === WINDOWS.shared) OS(k, shared, g);
    else OG(hi, lo, global, g);
  };
  const FN = (g: number): void => {
    publication?.fence(hazards.order.slotOf(g));
  };
  return { OS, OG, OX, FN };
}
