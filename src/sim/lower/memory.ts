/**
 * Loads, stores, atomics, address conversion -> operations.
 *
 * Checked access functions of the machine (in generated code): `GL GS GA` take a global address in two words and give the
 * segment it lies in; `SL SS SA` take a shared address and give a byte offset into the group's shared memory; `LL LS` the
 * same for local memory; `XL XS XA` take a generic address, give a segment, and leave the offset in `XO[0]`. A refused
 * access gives a place that harms nothing.
 */

import type { PtxOperand } from '../ptx/ast.js';
import type { Builder, Pair } from './builder.js';
import type { Modifiers } from './modifiers.js';
import type { Rule, Rules } from './rules.js';
import { extend } from './rules.js';

export const SPACES = [
  'global',
  'shared',
  'shared::cta',
  'shared::cluster',
  'local',
  'const',
  'param',
] as const;
export const HINTS =
  /^(L1::|L2::|level::|ca$|cg$|cs$|lu$|cv$|wb$|wt$|nc$|weak$|relaxed$|acquire$|release$|acq_rel$|volatile$|mmio$|sys$|gpu$|cta$|cluster$|unified$|noftz$)/;

type Memory = Extract<PtxOperand, { kind: 'memory' }>;

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
interface Landing {
  readonly words: string;
  readonly floats: string;
  readonly halves: string;
  readonly bytes: string;
}

type Intent = 'L' | 'S' | 'A';

/** Emits the checked access; the byte offset is then in `k`. */
export function land(b: Builder, space: string, intent: Intent, address: Memory, bytes: number): Landing {
  const tail = `${bytes},g,${b.index})`;
  const segment = { words: 's.i32', floats: 's.f32', halves: 's.u16', bytes: 's.u8' };
  switch (space) {
    case 'global':
    case 'const': {
      const { lo, hi } = address64(b, address);
      b.do(`s=G${intent}(${hi},${lo},${tail};k=${lo}&s.mask;`);
      return segment;
    }
    case 'shared':
    case 'shared::cta':
    case 'shared::cluster':
      b.sharedGranule = Math.min(b.sharedGranule, bytes);
      b.do(`k=S${intent}(${address32(b, address)},${tail};`);
      return { words: 'S32', floats: 'SF32', halves: 'SU16', bytes: 'SU8' };
    case 'local':
      b.do(`k=L${intent}(${address32(b, address)},${tail};`);
      return { words: 'L32', floats: 'LF32', halves: 'LU16', bytes: 'LU8' };
    case 'generic': {
      b.sharedGranule = Math.min(b.sharedGranule, bytes);
      const { lo, hi } = address64(b, address);
      b.do(`s=X${intent}(${hi},${lo},${tail};k=XO[0];`);
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

/** Takes cache and ordering modifiers. `spins`: a load that another thread's store may be awaited with. */
function ordering(m: Modifiers, modifiers: readonly string[]): { spins: boolean } {
  m.ignore(HINTS);
  return { spins: modifiers.some((name) => ['acquire', 'relaxed', 'volatile', 'mmio'].includes(name)) };
}

const load: Rule = (b, m, instruction) => {
  const space = spaceOf(m);
  const { spins } = ordering(m, instruction.modifiers);
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
  if (spins && b.inLoop) b.yieldHere();
  const at = land(b, space, 'L', address, bytes * lanes);
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
  ordering(m, instruction.modifiers);
  const lanes = Number(m.oneOf(['v2', 'v4', 'v8'] as const)?.slice(1) ?? 1);
  const type = m.type();
  m.done();
  const bytes = m.bytes(type);
  const from = b.operand(1);
  const items = from.kind === 'vector' ? from.items : [from];
  if (items.length !== lanes) throw b.unsupported('the number of registers does not match the vector width');
  const at = land(b, space, 'S', memoryOperand(b, 0), bytes * lanes);
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

/** The new value of an atomic on 32 bits: old bits in `x`, operand text(s) given. */
function atomicWord(b: Builder, operation: string, type: string, a: string, c: string | undefined): string {
  const signed = type.startsWith('s');
  const order = (text: string): string => (signed ? text : `(${text}>>>0)`);
  switch (operation) {
    case 'add':
      if (type === 'f32') return `bitsOfF32(fround(f32OfBits(x)+f32OfBits(${a})))`;
      if (type === 'f16x2' || type === 'bf16x2')
        return `half2('add',${type === 'f16x2' ? 'F16fmt' : 'BF16fmt'},x,${a})`;
      return `(x+${a})|0`;
    case 'min':
    case 'max': {
      if (type === 'f32') return `bitsOfF32(${operation}(f32OfBits(x),f32OfBits(${a})))`;
      if (type.endsWith('x2'))
        return `half2('${operation}',${type === 'f16x2' ? 'F16fmt' : 'BF16fmt'},x,${a})`;
      return `${order('x')}${operation === 'min' ? '<' : '>'}${order(a)}?x:${a}`;
    }
    case 'and':
      return `x&${a}`;
    case 'or':
      return `x|${a}`;
    case 'xor':
      return `x^${a}`;
    case 'exch':
      return a;
    case 'cas':
      return `x===${a}?${c ?? 'x'}:x`;
    case 'inc':
      return `(x>>>0)>=(${a}>>>0)?0:x+1|0`;
    case 'dec':
      return `x===0||(x>>>0)>(${a}>>>0)?${a}:x-1|0`;
    default:
      throw b.unsupported(`the operation .${operation} is not modelled`);
  }
}

const ATOMICS = ['add', 'min', 'max', 'and', 'or', 'xor', 'exch', 'cas', 'inc', 'dec'] as const;

const atomic =
  (returns: boolean): Rule =>
  (b, m, instruction) => {
    const space = spaceOf(m);
    ordering(m, instruction.modifiers);
    const operation = m.oneOf(ATOMICS);
    if (operation === undefined) throw b.unsupported('no operation that is modelled');
    const lanes = Number(m.oneOf(['v2', 'v4', 'v8'] as const)?.slice(1) ?? 1);
    const type = m.type();
    m.done();
    const bytes = m.bytes(type);
    const first = returns ? 1 : 0;
    const source = b.operand(first + 1);
    const items = source.kind === 'vector' ? source.items : [source];
    const results = returns
      ? lanes > 1 && b.operand(0).kind === 'vector'
        ? vectorItems(b.operand(0))
        : [b.operand(0)]
      : [];
    if (returns && b.inLoop) b.yieldHere();
    const at = land(b, space, 'A', memoryOperand(b, first), bytes * lanes);
    items.forEach((item, n) => {
      if (bytes === 8) {
        wideAtomic(b, at, operation, type, item, operation === 'cas' ? b.operand(first + 2) : undefined);
        if (returns) b.set64(results[0]!, 'x', 'y');
        return;
      }
      const swap = operation === 'cas' ? b.i(b.operand(first + 2)) : undefined;
      if (bytes === 4) {
        const index = `(k>>>2)+${n}`;
        b.do(`x=${at.words}[${index}];z=${atomicWord(b, operation, type, b.i(item), swap)};`);
        b.do(`if(z!==x){${at.words}[${index}]=z;W[0]=1;}`);
      } else {
        if (type !== 'f16' && type !== 'bf16' && operation !== 'cas' && operation !== 'exch')
          throw b.unsupported('this 16-bit atomic is not modelled');
        const format = type === 'f16' ? 'F16fmt' : 'BF16fmt';
        const value =
          operation === 'cas'
            ? `x===${b.i(item)}?${swap!}:x`
            : operation === 'exch'
              ? b.i(item)
              : `half('${operation}',${format},x,${b.i(item)})`;
        b.do(`x=${at.halves}[(k>>>1)+${n}];z=${value};if(z!==x){${at.halves}[(k>>>1)+${n}]=z;W[0]=1;}`);
      }
      const result = results[n];
      if (!result) return;
      // A vector's old values must outlive the next lane: each is defined after all lanes are done.
      if (items.length > 1)
        throw b.unsupported('a vector atomic that returns the old values is not modelled');
      b.setI(result, 'x');
    });
  };

function vectorItems(operand: PtxOperand): readonly PtxOperand[] {
  return operand.kind === 'vector' ? operand.items : [operand];
}

function wideAtomic(
  b: Builder,
  at: Landing,
  operation: string,
  type: string,
  item: PtxOperand,
  swap: PtxOperand | undefined,
): void {
  const a = b.pair(item);
  b.do(`x=${at.words}[k>>>2];y=${at.words}[(k>>>2)+1];`);
  const put = (lo: string, hi: string): string =>
    `${at.words}[k>>>2]=${lo};${at.words}[(k>>>2)+1]=${hi};W[0]=1;`;
  switch (operation) {
    case 'add':
      if (type === 'f64') throw b.unsupported('f64 atomics are not modelled');
      b.do(`z=(x+${a.lo})|0;${put('z', `(y+${a.hi}+((z>>>0)<(x>>>0)?1:0))|0`)}`);
      break;
    case 'exch':
      b.do(put(a.lo, a.hi));
      break;
    case 'cas': {
      const c = b.pair(swap!);
      b.do(`if(x===${a.lo}&&y===${a.hi}){${put(c.lo, c.hi)}}`);
      break;
    }
    case 'and':
    case 'or':
    case 'xor': {
      const operator = { and: '&', or: '|', xor: '^' }[operation];
      b.do(put(`x${operator}${a.lo}`, `y${operator}${a.hi}`));
      break;
    }
    case 'min':
    case 'max':
      b.do(`z=wide('${operation}',${type === 's64' ? 1 : 0},x,y,${a.lo},${a.hi});${put('z', 'HI[0]')}`);
      break;
    default:
      throw b.unsupported(`the operation .${operation} is not modelled on 64 bits`);
  }
}

/** Windows of the generic address space: the high word. */
export const WINDOWS = { shared: 1, local: 2, param: 3 } as const;

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
  atom: atomic(true),
  red: atomic(false),
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
