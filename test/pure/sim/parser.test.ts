import { describe, expect, test } from '@jest/globals';
import { compileKernel, parsePtx } from '../../../src/sim/index.js';
import { RoseError } from '../../../src/util/errors.js';
import { kernelText } from './harness.js';

function failure(action: () => unknown): RoseError {
  try {
    action();
  } catch (error) {
    if (error instanceof RoseError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the PTX parser', () => {
  test('reads directives, parameters with their offsets, and variables', () => {
    const module = parsePtx(`
.version 8.8
.target sm_100a, debug
.address_size 64
.file 1 "rose/rms_norm.py"
.global .align 4 .b8 table[8] = {1, 2, 3, 4, 0xff};
.const .align 8 .u32 limit = 7;
.extern .shared .align 1024 .b8 dynamic[];
.visible .entry k(.param .u64 .ptr .global .align 16 a, .param .u64 .ptr .global .align 16 b, .param .u32 n, .param .align 64 .b8 map[128], .param .f32 eps)
.reqntid 128, 1, 1
.reqnctapercluster 2, 1, 1
{ .reg .b32 %r<3>; .shared .align 16 .b8 red[64];
.loc 1 17 5
mov.u32 %r1, %tid.x;
.loc 1 18 5, function_name $L__info1, inlined_at 1 12 3
add.s32 %r2, %r1, -1; // comment
/* and another */ ret; }
.section .debug_str { .b8 1, 2, 3 }
`);
    expect(module.version).toBe('8.8');
    expect(module.target).toBe('sm_100a');
    const [entry] = module.entries;
    expect(entry!.parameters.map(({ name, offset, bytes }) => [name, offset, bytes])).toEqual([
      ['a', 0, 8],
      ['b', 8, 8],
      ['n', 16, 4],
      ['map', 64, 128],
      ['eps', 192, 4],
    ]);
    expect(entry!.requiredThreads).toEqual([128, 1, 1]);
    expect(entry!.requiredCluster).toEqual([2, 1, 1]);
    expect(
      module.variables.map(({ name, space, bytes, external }) => [name, space, bytes, external]),
    ).toEqual([
      ['table', 'global', 8, false],
      ['limit', 'const', 4, false],
      ['dynamic', 'shared', 0, true],
    ]);
    expect([...module.variables[0]!.contents!]).toEqual([1, 2, 3, 4, 255, 0, 0, 0]);
    const second = entry!.body[1]!;
    expect(second).toMatchObject({
      opcode: 'add',
      modifiers: ['s32'],
      source: { file: 'rose/rms_norm.py', line: 18 },
    });
  });

  test('an inner block has registers and labels of its own', () => {
    const module = parsePtx(
      kernelText(`
{ .reg .b32 %tmp; mov.u32 %tmp, 1; bra L; mov.u32 %tmp, 2; L: st.global.u32 [%rd1], %tmp; }
{ .reg .b32 %tmp; mov.u32 %tmp, 3; bra L; mov.u32 %tmp, 4; L: st.global.u32 [%rd1+4], %tmp; }`),
    );
    expect(() => compileKernel(module)).not.toThrow();
    const labels = module.entries[0]!.body.filter(({ kind }) => kind === 'label');
    expect(new Set(labels.map((label) => ('name' in label ? label.name : ''))).size).toBe(2);
  });

  test.each([
    ['a stray character', 'add.s32 %r1, %r2, #3;', 'PTX_SYNTAX', '#'],
    ['a register that is not declared', 'add.s32 %r1, %q2, 3;', 'PTX_SYNTAX', '%q2'],
    ['a missing comma', 'add.s32 %r1, %r2 %r3;', 'PTX_SYNTAX', '%r3'],
    ['an instruction that is not modelled', 'wgmma.fence.sync.aligned;', 'PTX_UNSUPPORTED', 'wgmma.fence'],
    [
      'a modifier that is not modelled',
      'add.sat.weird.s32 %r1, %r2, %r3;',
      'PTX_UNSUPPORTED',
      'add.sat.weird',
    ],
    ['a special register that is not modelled', 'mov.u64 %rd2, %clock64;', 'PTX_UNSUPPORTED', 'mov.u64'],
  ])('%s is an error with its place', (_what, line, code, column) => {
    const text = kernelText(`\n${line}\n`);
    const error = failure(() => compileKernel(parsePtx(text, 'rose/k.ptx')));
    expect(error.code).toBe(code);
    const at = text.split('\n').indexOf(line) + 1;
    expect(error.place).toMatchObject({
      file: 'rose/k.ptx',
      line: at,
      column: line.indexOf(column) + 1,
      text: line,
    });
    expect(error.next).not.toBe('');
  });

  test('a text that ends too early, and a label that is not there', () => {
    expect(failure(() => parsePtx('.version 8.8 .entry k() { ret;')).message).toMatch(/never closed/);
    expect(failure(() => compileKernel(parsePtx(kernelText('bra NOWHERE;')))).message).toMatch(
      /NOWHERE is not defined/,
    );
    expect(failure(() => compileKernel(parsePtx(kernelText('ret;')), 'other')).code).toBe('USAGE');
  });
});
