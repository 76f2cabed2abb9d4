/** The checked accesses of generated code: address -> place in memory, reporting what is wrong with it. */

import { WINDOWS } from '../lower/windows.js';
import type { Segment } from '../memory.js';
import { globalAccesses } from './global.js';
import type { SharedAccesses } from './shared.js';
import type { AccessState, Accesses, GlobalAccess, WindowAccess } from './state.js';

export type { AccessState, Accesses } from './state.js';
export { sharedAccesses } from './shared.js';
export type { SharedWindow } from './shared.js';

export function accesses(
  state: AccessState,
  { SL, SS, SA, ST }: SharedAccesses,
  segments: { readonly shared: Segment; readonly local: Segment; readonly parameters: Segment },
): Accesses {
  const XO = new Int32Array(1);
  const { GL, GS, GT, GA } = globalAccesses(state);

  const window =
    (name: string, bytes: number, base: (g: number) => number): WindowAccess =>
    (address, width, g, instruction) => {
      const inside = address >= 0 && address + width <= bytes;
      if (inside && (address & (width - 1)) === 0) return base(g) + address;
      state.report(inside ? 'misaligned' : 'out-of-bounds', g, instruction, {
        detail: `accesses ${width} bytes at byte ${address} of ${name}, which has ${bytes} bytes`,
        allocation: name,
        offset: address,
      });
      return base(g);
    };
  const LL = window('local memory', state.localStride, (g) => g * state.localStride);
  const PL = window('the parameters', state.parameterBytes, () => 0);

  const generic =
    (global: GlobalAccess, shared: WindowAccess): GlobalAccess =>
    (hi, lo, bytes, g, instruction) => {
      if (hi === WINDOWS.shared) {
        XO[0] = shared(lo, bytes, g, instruction);
        return segments.shared;
      }
      if (hi === WINDOWS.local) {
        XO[0] = LL(lo, bytes, g, instruction);
        return segments.local;
      }
      if (hi === WINDOWS.param) {
        XO[0] = PL(lo, bytes, g, instruction);
        return segments.parameters;
      }
      const s = global(hi, lo, bytes, g, instruction);
      XO[0] = lo & s.mask;
      return s;
    };

  return {
    ...{ GL, GS, GT, GA, SL, SS, SA, ST, LL, LS: LL, LT: LL, LA: LL, PL, XO },
    XL: generic(GL, SL),
    XS: generic(GS, SS),
    XT: generic(GT, ST),
    XA: generic(GA, SA),
  };
}
