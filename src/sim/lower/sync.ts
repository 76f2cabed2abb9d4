/** Barriers, fences, cluster barriers, programmatic dependent launch -> sync points. */

import { isFence } from './construction.js';
import type { Rule, Rules } from './rules.js';
import { warpBarrier } from './warp.js';

const barrier =
  (cluster: boolean): Rule =>
  (b, m, instruction) => {
    if (m.has('warp')) {
      m.has('sync');
      warpBarrier(b, m, instruction);
      return;
    }
    if (cluster && m.has('cluster')) {
      const arrive = m.has('arrive');
      m.has('wait');
      const relaxed = m.has('relaxed');
      m.ignore(/^(release|acquire|aligned)$/);
      m.done();
      b.sync(
        arrive ? { kind: 'cluster-arrive', release: !relaxed } : { kind: 'cluster-wait', acquire: true },
        [],
        0,
      );
      return;
    }
    m.has('cta');
    const aligned = m.has('aligned') || instruction.opcode === 'bar';
    const verb = m.oneOf(['sync', 'arrive', 'red'] as const);
    if (verb === 'red') {
      const mode = m.oneOf(['popc', 'and', 'or'] as const);
      if (!mode) throw b.unsupported('no reduction that is modelled');
      m.type();
      m.done();
      const counted = b.operands === 4;
      if (counted) b.ordersThreads = true;
      const source = b.p(b.operand(counted ? 3 : 2));
      const inputs = [b.i(b.operand(1)), counted ? b.i(b.operand(2)) : '0', source];
      const { id } = b.sync({ kind: 'barrier', idInput: 0, countInput: 1, mode, aligned }, inputs, 1);
      if (mode === 'popc') b.setI(b.operand(0), `r${id}_0[g]`);
      else b.setP(b.operand(0), `r${id}_0[g]`);
      return;
    }
    if (!verb) throw b.unsupported('this barrier is not modelled');
    m.done();
    if (b.operands > 1) b.ordersThreads = true;
    const inputs = [b.i(b.operand(0)), b.operands > 1 ? b.i(b.operand(1)) : '0'];
    b.sync({ kind: 'barrier', idInput: 0, countInput: 1, mode: verb, aligned }, inputs, 0);
  };

/** Threads run one after another on one memory: all that a fence does is to order what the checks look at. */
const fence: Rule = (b, _m, instruction) => {
  if (isFence(instruction) && !instruction.modifiers.includes('cta')) b.do('FN(g);');
};

export const SYNC: Rules = {
  bar: barrier(false),
  barrier: barrier(true),
  membar: fence,
  fence,
  nanosleep: () => undefined,
  setmaxnreg: () => undefined,
  pmevent: () => undefined,
  griddepcontrol: (b, m) => {
    if (m.has('launch_dependents')) m.done();
    else {
      m.has('wait');
      m.done();
      b.do('D[g]=1;');
    }
  },
};
