/** Each operator on PTX, by the exact lines that it makes. */

import { describe, expect, it } from '@jest/globals';
import { compileKernel, parsePtx } from '../../../../src/sim/index.js';
import { applyPtxMutant, isLegal, ptxMutants, PTX_OPERATORS } from '../../../../src/verify/mutation/index.js';
import { SMALL } from './programs.js';

/** What an operator makes of one line, as `after`. */
function edits(operator: string, line: string): readonly string[] {
  const wanted = PTX_OPERATORS.filter(({ name }) => name === operator);
  expect(wanted).toHaveLength(1);
  return ptxMutants('k', 'v', `\t${line}`, wanted).map(({ after }) => after);
}

describe('operators on PTX', () => {
  it.each<[string, string, readonly string[]]>([
    ['drop-barrier', 'bar.sync 	0;', ['']],
    ['drop-barrier', 'barrier.cluster.wait;', ['']],
    ['drop-dependent-wait', 'griddepcontrol.wait;', ['']],
    ['drop-branch', '@%p1 bra 	$L__BB0_2;', ['']],
    ['drop-guard', '@%p1 bra 	$L__BB0_2;', ['bra $L__BB0_2;']],
    ['negate-guard', '@%p1 bra 	$L__BB0_2;', ['@!%p1 bra $L__BB0_2;']],
    ['negate-guard', '@!%p1 st.global.b32 	[%rd1], %r1;', ['@%p1 st.global.b32 [%rd1], %r1;']],
    ['move-bound', 'setp.lt.s32 	%p1, %r1, %r2;', ['setp.le.s32 %p1, %r1, %r2;']],
    ['move-bound', 'setp.ge.u32 	%p1, %r1, 7;', ['setp.gt.u32 %p1, %r1, 7;']],
    ['wrong-wait', 'cp.async.wait_group 	1;', ['cp.async.wait_group 2;']],
    [
      'wrong-wait',
      'mbarrier.try_wait.parity.shared.b64 	%p1, [%r1], 0;',
      ['mbarrier.try_wait.parity.shared.b64 %p1, [%r1], 1;'],
    ],
    ['drop-store', 'st.shared.b32 	[%r1], %r2;', ['']],
    [
      'shift-address',
      'ld.global.v4.b32 	{%r1, %r2, %r3, %r4}, [%rd1+16];',
      [20, 32, 0].map((offset) => `ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%rd1+${offset}];`),
    ],
    [
      'wrong-vector',
      'st.global.v2.b32 	[%rd1], {%r1, %r2};',
      [
        'st.global.v2.b32 [%rd1], {%r2, %r1};',
        'st.global.v2.b32 [%rd1], {%r2, %r1};',
        'st.global.b32 [%rd1], %r1;',
      ],
    ],
    ['wrong-special', 'mov.u32 	%r1, %tid.x;', ['mov.u32 %r1, %ctaid.x;']],
    ['wrong-half', 'mov.b32 	{%rs1, %rs2}, %r1;', ['mov.b32 {%rs2, %rs1}, %r1;']],
    ['wrong-half', 'cvt.rn.bf16x2.f32 	%r1, %r2, %r3;', ['cvt.rn.bf16x2.f32 %r1, %r3, %r2;']],
    ['swap-operands', 'sub.f32 	%r1, %r2, %r3;', ['sub.f32 %r1, %r3, %r2;']],
    ['swap-operands', 'selp.b32 	%r1, %r2, 0, %p1;', ['selp.b32 %r1, 0, %r2, %p1;']],
    ['swap-operands', 'setp.lt.s32 	%p1, %r1, 4;', ['setp.lt.s32 %p1, 4, %r1;']],
    ['replace-operation', 'add.s32 	%r1, %r2, %r3;', ['sub.s32 %r1, %r2, %r3;']],
    ['replace-operation', 'mul.lo.s32 	%r1, %r2, %r3;', ['add.s32 %r1, %r2, %r3;']],
    ['replace-operation', 'fma.rn.f32 	%r1, %r2, %r3, %r4;', ['mul.rn.f32 %r1, %r2, %r3;']],
    ['replace-operation', 'max.NaN.f32 	%r1, %r2, %r3;', ['min.NaN.f32 %r1, %r2, %r3;']],
    [
      'float-constant',
      'mul.f32 	%r1, %r2, 0f3F800000;',
      ['0f40000000', '0fBF800000'].flatMap((bits, i) =>
        i === 0
          ? [`mul.f32 %r1, %r2, ${bits};`, `mul.f32 %r1, %r2, ${bits};`]
          : [`mul.f32 %r1, %r2, ${bits};`],
      ),
    ],
    ['float-constant', 'mov.b32 	%r1, 0f00000000;', ['mov.b32 %r1, 0f3F800000;']],
    ['integer-constant', 'and.b32 	%r1, %r2, 31;', ['and.b32 %r1, %r2, 32;', 'and.b32 %r1, %r2, 30;']],
    [
      'integer-constant',
      'prmt.b32 	%r1, %r2, 0, 0x7771U;',
      ['prmt.b32 %r1, %r2, 0, 30578;', 'prmt.b32 %r1, %r2, 0, 30576;'],
    ],
    ['shift-amount', 'shl.b32 	%r1, %r2, 3;', ['shl.b32 %r1, %r2, 4;', 'shl.b32 %r1, %r2, 2;']],
    [
      'wrong-shuffle',
      'shfl.sync.bfly.b32 	%r1, %r2, 16, 31, -1;',
      ['down', 'up', 'idx']
        .map((mode) => `shfl.sync.${mode}.b32 %r1, %r2, 16, 31, -1;`)
        .concat('shfl.sync.bfly.b32 %r1, %r2, 8, 31, -1;'),
    ],
    ['wrong-rounding', 'cvt.rn.bf16x2.f32 	%r1, %r2, %r3;', ['cvt.rz.bf16x2.f32 %r1, %r2, %r3;']],
    ['wrong-format', 'cvt.f32.bf16 	%r1, %rs1;', ['cvt.f32.f16 %r1, %rs1;']],
    ['drop-modifier', 'max.NaN.f32 	%r1, %r2, %r3;', ['max.f32 %r1, %r2, %r3;']],
    ['drop-modifier', 'cvt.sat.f32.f32 	%r1, %r2;', ['cvt.f32.f32 %r1, %r2;']],
    ['drop-modifier', 'cvt.rn.satfinite.e4m3x2.f32 	%rs1, %r1, %r2;', []],
    ['wrong-permute', 'prmt.b32 	%r1, %r2, %r3, 0x5410U;', ['prmt.b32 %r1, %r3, %r2, 0x5410U;']],
  ])('%s: %s', (operator, line, after) => {
    expect(edits(operator, line)).toEqual(after);
  });

  it('takes a stale register of the same type, the last defined before', () => {
    const ptx =
      '\tmov.u32 \t%r1, %tid.x;\n\tmov.b64 \t%rd1, 4;\n\tmov.u32 \t%r2, %ctaid.x;\n\tadd.s32 \t%r3, %r1, 1;';
    const operators = PTX_OPERATORS.filter(({ name }) => name === 'stale-register');
    expect(ptxMutants('k', 'v', ptx, operators).map(({ line, after }) => [line, after])).toEqual([
      [4, 'add.s32 %r3, %r2, 1;'],
    ]);
  });

  it('leaves lines alone that it does not match', () => {
    const labels = '$L__BB0_2:\n\t.reg .pred \t%p<2>;\n\t// bar.sync 0;\n\tret;';
    expect(ptxMutants('k', 'v', labels)).toEqual([]);
  });

  it('names every operator once and says what it stands for', () => {
    const names = PTX_OPERATORS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(15);
    for (const { doc } of PTX_OPERATORS) expect(doc).toMatch(/\w+ \w+/);
  });
});

describe('mutants of a kernel', () => {
  const mutants = ptxMutants('small', 'small.sm90', SMALL);

  it('differ from it in their one line', () => {
    expect(mutants.length).toBeGreaterThan(20);
    for (const mutant of mutants) {
      const [before, after] = [SMALL.split('\n'), applyPtxMutant(SMALL, mutant).split('\n')];
      expect(after).toHaveLength(before.length);
      const changed = before.flatMap((text, i) => (text === after[i] ? [] : [i + 1]));
      expect(changed).toEqual([mutant.line]);
    }
  });

  it('are legal where the simulator takes them, and only there', () => {
    for (const mutant of mutants) {
      const text = applyPtxMutant(SMALL, mutant);
      const compile = (): unknown => compileKernel(parsePtx(text, 'mutant.ptx'), 'small_0');
      if (isLegal(text, 'small_0')) expect(compile).not.toThrow();
      else expect(compile).toThrow();
    }
    expect(isLegal(SMALL.replace('add.s32', 'frobnicate.s32'), 'small_0')).toBe(false);
    expect(isLegal(SMALL.replace('add.s32', 'add.s32 ,'), 'small_0')).toBe(false);
  });

  it('have ids that follow from the change alone', () => {
    expect(ptxMutants('small', 'small.sm90', SMALL)).toEqual(mutants);
    const ids = mutants.map(({ id, line, operator, after }) => [id, JSON.stringify([line, operator, after])]);
    expect(new Map(ids.map(([id, change]) => [change, id])).size).toBe(new Set(ids.map(([id]) => id)).size);
    const others = ptxMutants('small', 'small.sm100', SMALL);
    expect(others[0]!.id).not.toBe(mutants[0]!.id);
  });
});
