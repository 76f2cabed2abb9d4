/**
 * Addresses and checked accesses of loads, stores and atomics -> text.
 *
 * Checked access functions of the machine (in generated code): `GL GS GT GA` take a global address in two words and give
 * the segment it lies in; `SL SS ST SA` take a shared address and give a byte offset into the group's shared memory;
 * `LL LS LA` the same for local memory; `XL XS XT XA` take a generic address, give a segment, and leave the offset in
 * `XO[0]`. The second letter says load, store, ordered store, atomic. A refused access gives a place that harms nothing.
 * `OS OG OX` tell the machine of an ordered access to the place just accessed.
 */

import { ACQUIRES, OBSERVES, RELEASES, SHOWS } from '../checks/publication.js';
import type { PtxOperand } from '../ptx/ast.js';
import type { Builder, Pair } from './builder.js';
import type { Modifiers } from './modifiers.js';

export const SPACES = [
  'global',
  'shared',
  'shared::cta',
  'shared::cluster',
  'local',
  'const',
  'param',
] as const;
const HINTS =
  /^(L1::|L2::|level::|ca$|cg$|cs$|lu$|cv$|wb$|wt$|nc$|weak$|relaxed$|acquire$|release$|acq_rel$|volatile$|mmio$|sys$|gpu$|cta$|cluster$|unified$|noftz$)/;

export type Memory = Extract<PtxOperand, { kind: 'memory' }>;

export function memoryOperand(b: Builder, n: number): Memory {
  const operand = b.operand(n);
  if (operand.kind !== 'memory') throw b.unsupported('an address in brackets is missing');
  return operand;
}

/** A 32-bit address as text. */
export function address32(b: Builder, { base, offset }: Memory): string {
  if (!base) return String(offset);
  if (base.kind === 'symbol') return b.symbol(base.name, offset).lo;
  const register: PtxOperand = { kind: 'register', name: base.name };
  const low = b.bits(register) === 64 ? b.pair(register).lo : b.i(register);
  return offset === 0 ? low : `(${low}+${offset}|0)`;
}

/** A 64-bit address: both words, with statements added where the offset may carry. */
export function address64(b: Builder, { base, offset }: Memory): Pair {
  if (!base) return { lo: String(offset), hi: '0' };
  if (base.kind === 'symbol') return b.symbol(base.name, offset);
  const register: PtxOperand = { kind: 'register', name: base.name };
  if (b.bits(register) === 32) return { lo: `(${b.i(register)}+${offset}|0)`, hi: '0' };
  const { lo, hi } = b.pair(register);
  if (offset === 0) return { lo, hi };
  if (offset > 0) b.do(`x=(${lo}+${offset})|0;y=(x>>>0)<${offset}?${hi}+1|0:${hi};`);
  else b.do(`x=(${lo}-${-offset})|0;y=(${lo}>>>0)<${-offset}?${hi}-1|0:${hi};`);
  return { lo: 'x', hi: 'y' };
}

/** Where an access lands: texts of its byte offset and of each array it may be read through. */
export interface Landing {
  readonly words: string;
  readonly floats: string;
  readonly halves: string;
  readonly bytes: string;
}

export type Intent = 'L' | 'S' | 'T' | 'A';

/** Emits the checked access; the byte offset is then in `k`. */
export function land(
  b: Builder,
  space: string,
  intent: Intent,
  address: Memory,
  bytes: number,
  order: Ordering = PLAIN,
): Landing {
  const tail = `${bytes},g,${b.index})`;
  const segment = { words: 's.i32', floats: 's.f32', halves: 's.u16', bytes: 's.u8' };
  switch (space) {
    case 'global':
    case 'const': {
      const { lo, hi } = address64(b, address);
      b.do(`s=G${intent}(${hi},${lo},${tail};k=${lo}&s.mask;`);
      if (order.across !== 0) {
        b.publishes = true;
        b.do(`OG(${hi},${lo},${order.across},g);`);
      }
      return segment;
    }
    case 'shared':
    case 'shared::cta':
    case 'shared::cluster':
      b.sharedGranule = Math.min(b.sharedGranule, bytes);
      b.do(`k=S${intent}(${address32(b, address)},${tail};`);
      if (order.mode !== 0) {
        b.ordersThreads = true;
        b.do(`OS(k,${order.mode},g);`);
      }
      return { words: 'S32', floats: 'SF32', halves: 'SU16', bytes: 'SU8' };
    case 'local':
      b.do(`k=L${intent}(${address32(b, address)},${tail};`);
      return { words: 'L32', floats: 'LF32', halves: 'LU16', bytes: 'LU8' };
    case 'generic': {
      b.sharedGranule = Math.min(b.sharedGranule, bytes);
      const { lo, hi } = address64(b, address);
      b.do(`s=X${intent}(${hi},${lo},${tail};k=XO[0];`);
      if (order.mode !== 0 || order.across !== 0) {
        b.publishes ||= order.across !== 0;
        b.ordersThreads ||= order.mode !== 0;
        b.do(`OX(${hi},${lo},k,${order.mode},${order.across},g);`);
      }
      return segment;
    }
    default:
      throw b.unsupported(`the space .${space} is not modelled here`);
  }
}

export function spaceOf(m: Modifiers): string {
  m.ignore(/^param::entry$/);
  return m.oneOf(SPACES) ?? 'generic';
}

/** How an access takes part in the order of memory. */
export interface Ordering {
  /** Another thread may await it, and it does not race with its like. */
  readonly strong: boolean;
  /** In shared memory: 1: acquires, 2: releases, 3: both. */
  readonly mode: number;
  /** In global memory, between CTAs: bits as in `publication.ts`. */
  readonly across: number;
}

const PLAIN: Ordering = { strong: false, mode: 0, across: 0 };

/**
 * Takes cache and ordering modifiers. A relaxed access orders others only together with a fence: on shared memory, in a
 * kernel that has fences, it is taken to do so. What is ordered in the scope of a CTA tells other CTAs nothing.
 */
export function ordering(b: Builder, m: Modifiers, modifiers: readonly string[], atomic: boolean): Ordering {
  m.ignore(HINTS);
  const has = (...names: string[]): boolean => names.some((name) => modifiers.includes(name));
  const strong = atomic || has('acquire', 'release', 'acq_rel', 'relaxed', 'volatile', 'mmio');
  if (!strong) return PLAIN;
  const acquires = b.fenced || has('acquire', 'acq_rel');
  const releases = b.fenced || has('release', 'acq_rel');
  const mode = (acquires ? ACQUIRES : 0) | (releases ? RELEASES : 0);
  if (has('cta')) return { strong, mode, across: 0 };
  const reads = has('acquire', 'acq_rel') ? ACQUIRES : b.fenced ? OBSERVES : 0;
  const writes = has('release', 'acq_rel') ? RELEASES : b.fenced ? SHOWS : 0;
  return { strong, mode, across: reads | writes };
}

/** What of an access's order a load takes part in, and a store. */
export function readOrder({ strong, mode, across }: Ordering): Ordering {
  return { strong, mode: mode & ACQUIRES, across: across & (ACQUIRES | OBSERVES) };
}

export function writeOrder({ strong, mode, across }: Ordering): Ordering {
  return { strong, mode: mode & RELEASES, across: across & (RELEASES | SHOWS) };
}
