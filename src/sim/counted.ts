/** Accesses that a profile counts before they are made. */

import type { Accesses } from './access/index.js';
import type { Access, Profiler } from './profile.js';

export function counted(profiler: Profiler, access: Accesses): Partial<Accesses> {
  const global =
    (kind: Access, plain: Accesses['GL']): Accesses['GL'] =>
    (hi, lo, bytes, g, instruction) => {
      profiler.access('global', kind, hi * 2 ** 32 + (lo >>> 0), bytes, g, instruction);
      return plain(hi, lo, bytes, g, instruction);
    };
  const shared =
    (kind: Access, plain: Accesses['SL']): Accesses['SL'] =>
    (address, bytes, g, instruction) => {
      profiler.access('shared', kind, address, bytes, g, instruction);
      return plain(address, bytes, g, instruction);
    };
  return {
    GL: global('load', access.GL),
    GS: global('store', access.GS),
    GT: global('store', access.GT),
    GA: global('atomic', access.GA),
    SL: shared('load', access.SL),
    SS: shared('store', access.SS),
    ST: shared('store', access.ST),
    SA: shared('atomic', access.SA),
  };
}
