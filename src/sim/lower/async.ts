/** Asynchronous copies and mbarriers -> calls of the machine, and waits -> sync points. */

import type { PtxOperand } from '../ptx/ast.js';
import type { Builder } from './builder.js';
import { address32, address64, memoryOperand } from './address.js';
import type { Modifiers } from './modifiers.js';
import type { Rule, Rules } from './rules.js';

const FLUFF =
  /^(sync|aligned|weak|relaxed|release|acquire|cta|cluster|gpu|sys|b64|shared|shared::cta|shared::cluster|L2::.*|tile|unicast)$/;

function shared(b: Builder, n: number): string {
  return address32(b, memoryOperand(b, n));
}

/** Address words in variables of their own, since several addresses of one instruction may need the same temporaries. */
function global(b: Builder, n: number): string {
  const { lo, hi } = address64(b, memoryOperand(b, n));
  b.do(`const ga=${lo},gh=${hi};`);
  return 'gh,ga';
}

const cpAsync: Rule = (b, m, instruction) => {
  m.has('async');
  if (m.has('bulk')) {
    bulk(b, m, instruction.modifiers);
    return;
  }
  if (m.has('mbarrier')) {
    m.has('arrive');
    const noinc = m.has('noinc');
    m.ignore(FLUFF);
    m.done();
    b.do(`CM(${shared(b, 0)},${noinc ? 1 : 0},g,${b.index});`);
    return;
  }
  if (m.has('commit_group')) {
    m.done();
    b.do('CC(g);');
    return;
  }
  if (m.has('wait_all')) {
    m.done();
    b.do('CW(g,-1);');
    return;
  }
  if (m.has('wait_group')) {
    m.done();
    b.do(`CW(g,${b.i(b.operand(0))});`);
    return;
  }
  m.ignore(/^(ca|cg|global|shared|shared::cta|L2::.*)$/);
  m.done();
  const size = b.operand(2);
  if (size.kind !== 'integer') throw b.unsupported('the size of the copy is not a constant');
  const bytes = Number(size.value);
  const rest = Array.from({ length: b.operands - 3 }, (_, n) => b.operand(n + 3));
  const source = rest.find((operand) => isWord(b, operand));
  const ignore = rest.find((operand) => operand.kind === 'not' || b.bits(operand) === 1);
  let count = source ? b.i(source) : String(bytes);
  if (ignore) count = `(${b.p(ignore)}?0:${count})`;
  b.sharedGranule = Math.min(b.sharedGranule, bytes);
  b.do('{');
  const from = global(b, 1);
  b.do(`CA(${shared(b, 0)},${from},${bytes},${count},g,${b.index});}`);
};

const isWord = (b: Builder, operand: PtxOperand): boolean =>
  operand.kind === 'integer' || b.bits(operand) === 32;

function bulk(b: Builder, m: Modifiers, modifiers: readonly string[]): void {
  if (m.has('commit_group')) {
    m.done();
    b.do('BC(g);');
    return;
  }
  if (m.has('wait_group')) {
    m.has('read');
    m.done();
    b.do(`BW(g,${b.i(b.operand(0))});`);
    return;
  }
  if (m.has('prefetch')) return;
  const tensor = m.has('tensor');
  const multicast = m.has('multicast::cluster');
  m.ignore(/^(mbarrier::complete_tx::bytes|bulk_group|[1-5]d|global|cta_group::1)$/);
  m.ignore(FLUFF);
  m.done();
  const spaces = modifiers.filter((name) => name === 'global' || name.startsWith('shared'));
  b.do('{');
  if (tensor) {
    const load = spaces[1] === 'global';
    const map = memoryOperand(b, load ? 1 : 0);
    const at = (map.coordinates ?? []).map((operand) => b.i(operand)).join(',');
    const { lo, hi } = address64(b, map);
    b.do(`const ga=${lo},gh=${hi};`);
    if (load) {
      const mask = multicast ? b.i(b.operand(3)) : '0';
      b.do(`TL(${shared(b, 0)},gh,ga,[${at}],${shared(b, 2)},${mask},g,${b.index});`);
    } else b.do(`TS(gh,ga,[${at}],${shared(b, 1)},g,${b.index});`);
  } else if (spaces[0] === 'global') {
    const to = global(b, 0);
    b.do(`BS(${to},${shared(b, 1)},${b.i(b.operand(2))},g,${b.index});`);
  } else if (spaces[1] === 'global') {
    const from = global(b, 1);
    const mask = multicast ? b.i(b.operand(4)) : '0';
    b.do(`BL(${shared(b, 0)},${from},${b.i(b.operand(2))},${shared(b, 3)},${mask},g,${b.index});`);
  } else b.do(`BD(${shared(b, 0)},${shared(b, 1)},${b.i(b.operand(2))},${shared(b, 3)},g,${b.index});`);
  b.do('}');
}

const mbarrier: Rule = (b, m, instruction) => {
  b.ordersThreads = true;
  const verb = m.oneOf([
    'init',
    'inval',
    'arrive',
    'arrive_drop',
    'expect_tx',
    'complete_tx',
    'test_wait',
    'try_wait',
  ] as const);
  const parity = m.has('parity');
  const announces = m.has('expect_tx');
  m.has('noComplete');
  m.ignore(FLUFF);
  m.done();
  const tail = `g,${b.index});`;
  switch (verb) {
    case 'init':
      b.do(`MI(${shared(b, 0)},${b.i(b.operand(1))},${tail}`);
      return;
    case 'inval':
      b.do(`MV(${shared(b, 0)},${tail}`);
      return;
    case 'expect_tx':
    case 'complete_tx':
      b.do(`MX(${shared(b, 0)},${verb === 'expect_tx' ? '' : '-'}${b.i(b.operand(1))},${tail}`);
      return;
    case 'arrive':
    case 'arrive_drop': {
      const to = b.operand(0);
      const first = to.kind === 'memory' ? 0 : 1;
      const extra = b.operands > first + 1 ? b.i(b.operand(first + 1)) : undefined;
      const count = announces ? '1' : (extra ?? '1');
      b.do(
        `x=MA(${shared(b, first)},${count},${announces ? extra! : '0'},${verb === 'arrive' ? 0 : 1},${tail}`,
      );
      if (to.kind === 'register') b.set64(to, 'x', '0');
      return;
    }
    case 'test_wait':
    case 'try_wait': {
      const wanted = b.operand(2);
      const value = parity ? b.i(wanted) : b.pair(wanted).lo;
      const acquire = !instruction.modifiers.includes('relaxed');
      const { id } = b.sync(
        { kind: 'mbarrier-wait', parity, blocking: verb === 'try_wait', acquire },
        [shared(b, 1), value],
        1,
      );
      b.setP(b.operand(0), `r${id}_0[g]`);
      return;
    }
    default:
      throw b.unsupported('this operation on an mbarrier is not modelled');
  }
};

/** `st.async.shared::cluster.mbarrier::complete_tx::bytes [address], value, [mbarrier]`. */
export const storeAsync: Rule = (b, m) => {
  m.has('async');
  m.ignore(/^(mbarrier::complete_tx::bytes|v[24])$/);
  m.ignore(/^(weak|release|relaxed|cluster|shared::cluster)$/);
  const type = m.type();
  m.done();
  const from = b.operand(1);
  const items = from.kind === 'vector' ? from.items : [from];
  const words = items.flatMap((item) => {
    if (m.bytes(type) === 8) {
      const { lo, hi } = b.pair(item);
      return [lo, hi];
    }
    return [b.i(item)];
  });
  b.do(`SY(${shared(b, 0)},${shared(b, 2)},[${words.join(',')}],g,${b.index});`);
};

export const ASYNC: Rules = { cp: cpAsync, mbarrier };
