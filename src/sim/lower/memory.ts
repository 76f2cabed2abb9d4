/** Loads, stores and conversions of addresses -> operations. */

import type { PtxOperand } from '../ptx/ast.js';
import { address32, land, memoryOperand, ordering, readOrder, spaceOf, writeOrder } from './address.js';
import type { Landing, Memory } from './address.js';
import type { Builder } from './builder.js';
import type { Rule, Rules } from './rules.js';
import { extend } from './rules.js';
import { WINDOWS } from './windows.js';

const load: Rule = (b, m, instruction) => {
  const space = spaceOf(m);
  const order = ordering(b, m, instruction.modifiers, false);
  const lanes = Number(m.oneOf(['v2', 'v4', 'v8'] as const)?.slice(1) ?? 1);
  const type = m.type();
  m.done();
  const bytes = m.bytes(type);
  const to = b.operand(0);
  const items = to.kind === 'vector' ? to.items : [to];
  if (items.length !== lanes) throw b.unsupported('the number of registers does not match the vector width');
  const address = memoryOperand(b, 1);
  if (space === 'param') {
    loadParameter(b, items, type, bytes, address);
    return;
  }
  if (order.strong && b.inLoop) b.yieldHere();
  const shares = order.strong && space.startsWith('shared');
  const at = land(b, space, shares ? 'A' : 'L', address, bytes * lanes, readOrder(order));
  read(b, items, type, bytes, at);
};

/** Reads `items` from byte offset `k`. */
function read(b: Builder, items: readonly PtxOperand[], type: string, bytes: number, at: Landing): void {
  items.forEach((item, n) => {
    if (item.kind === 'sink') return;
    const bits = b.bits(item);
    if (bytes === 8) {
      const slot = b.slot(item);
      if (bits !== 64) throw b.unsupported('a 64-bit element goes into a narrower register');
      for (const word of [0, 1]) {
        const index = `(k>>>2)+${2 * n + word}`;
        b.define({ slot: slot + word, i: `${at.words}[${index}]`, f: `${at.floats}[${index}]` });
      }
    } else if (bytes === 4 && bits === 32) {
      const index = n === 0 ? 'k>>>2' : `(k>>>2)+${n}`;
      b.define({ slot: b.slot(item), i: `${at.words}[${index}]`, f: `${at.floats}[${index}]` });
    } else {
      const raw =
        bytes === 4
          ? `${at.words}[(k>>>2)+${n}]`
          : bytes === 2
            ? `${at.halves}[(k>>>1)+${n}]`
            : `${at.bytes}[k+${n}]`;
      const value = type.startsWith('s') ? extend(raw, type) : raw;
      if (bits === 64) b.set64(item, `${value}|0`, type.startsWith('s') ? `${value}>>31` : '0');
      else b.setI(item, bits === 16 ? `${value}&65535` : value);
    }
  });
}

function loadParameter(
  b: Builder,
  items: readonly PtxOperand[],
  type: string,
  bytes: number,
  address: Memory,
): void {
  if (address.base?.kind === 'register')
    b.do(`k=PL(${address32(b, address)},${bytes * items.length},g,${b.index});`);
  else {
    b.asConstant('cta');
    b.do(`k=${address32(b, address)};`);
  }
  read(b, items, type, bytes, { words: 'P32', floats: 'PF32', halves: 'PU16', bytes: 'PU8' });
}

const store: Rule = (b, m, instruction) => {
  const space = spaceOf(m);
  const order = ordering(b, m, instruction.modifiers, false);
  const lanes = Number(m.oneOf(['v2', 'v4', 'v8'] as const)?.slice(1) ?? 1);
  const type = m.type();
  m.done();
  const bytes = m.bytes(type);
  const from = b.operand(1);
  const items = from.kind === 'vector' ? from.items : [from];
  if (items.length !== lanes) throw b.unsupported('the number of registers does not match the vector width');
  const at = land(b, space, order.strong ? 'T' : 'S', memoryOperand(b, 0), bytes * lanes, writeOrder(order));
  items.forEach((item, n) => {
    if (bytes === 8) {
      const first = item.kind === 'register' ? b.slot(item) : -1;
      for (const word of [0, 1])
        writeWord(
          b,
          at,
          `(k>>>2)+${2 * n + word}`,
          first + word,
          () => Object.values(b.pair(item))[word]!,
          first >= 0,
        );
    } else if (bytes === 4) {
      const index = n === 0 ? 'k>>>2' : `(k>>>2)+${n}`;
      const slot = item.kind === 'register' && b.bits(item) === 32 ? b.slot(item) : -1;
      writeWord(b, at, index, slot, () => b.i(item), slot >= 0);
    } else {
      const value = item.kind === 'register' && b.bits(item) === 64 ? b.pair(item).lo : b.i(item);
      b.do(bytes === 2 ? `${at.halves}[(k>>>1)+${n}]=${value};` : `${at.bytes}[k+${n}]=${value};`);
    }
  });
};

function writeWord(
  b: Builder,
  at: Landing,
  index: string,
  slot: number,
  text: () => string,
  register: boolean,
): void {
  if (!register) {
    b.do(`${at.words}[${index}]=${text()};`);
    return;
  }
  b.use(slot, 'any');
  b.do((held) =>
    held(slot) === 'i'
      ? `${at.words}[${index}]=i${slot};`
      : `if(f${slot}===f${slot})${at.floats}[${index}]=f${slot};else ${at.words}[${index}]=2147483647;`,
  );
}

const cvta: Rule = (b, m) => {
  const toSpace = m.has('to');
  const space = spaceOf(m);
  const type = m.type();
  m.done();
  const [d, a] = [b.operand(0), b.operand(1)];
  if (type !== 'u64') throw b.unsupported('only 64-bit addresses are modelled');
  const { lo, hi } = b.pair(a);
  const window =
    space === 'global' || space === 'const'
      ? undefined
      : space.startsWith('shared')
        ? WINDOWS.shared
        : space === 'local'
          ? WINDOWS.local
          : WINDOWS.param;
  b.set64(d, lo, window === undefined ? hi : toSpace ? '0' : String(window));
};

export const MEMORY: Rules = {
  ld: load,
  ldu: load,
  st: store,
  cvta,
  isspacep: (b, m) => {
    const space = spaceOf(m);
    m.done();
    const { hi } = b.pair(b.operand(1));
    const window = space.startsWith('shared')
      ? WINDOWS.shared
      : space === 'local'
        ? WINDOWS.local
        : undefined;
    b.setP(b.operand(0), window === undefined ? `${hi}>=16?1:0` : `${hi}===${window}?1:0`);
  },
  prefetch: () => undefined,
  prefetchu: () => undefined,
  applypriority: () => undefined,
  discard: () => undefined,
  mapa: (b, m) => {
    const shared = m.has('shared::cluster');
    const type = m.type();
    m.done();
    const rank = b.i(b.operand(2));
    const a = b.operand(1);
    if (type === 'u64') {
      const { lo, hi } = b.pair(a);
      b.set64(b.operand(0), `(${lo}&16777215)|(${rank}<<24)`, shared ? '0' : hi);
    } else b.setI(b.operand(0), `(${b.i(a)}&16777215)|(${rank}<<24)`);
  },
  getctarank: (b, m) => {
    m.has('shared::cluster');
    const type = m.type();
    m.done();
    const address = type === 'u64' ? b.pair(b.operand(1)).lo : b.i(b.operand(1));
    b.setI(b.operand(0), `${address}>>>24`);
  },
};
