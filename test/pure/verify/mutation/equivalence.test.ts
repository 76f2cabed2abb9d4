/** Proofs of equivalence: what they prove, and beside each the nearest change that they must not. */

import { describe, expect, it } from '@jest/globals';
import { proveEquivalent } from '../../../../src/verify/mutation/index.js';
import { SMALL } from './programs.js';

const THREADS = 32;

function proof(before: string, after: string, threads = THREADS): string | undefined {
  expect(SMALL).toContain(before);
  return proveEquivalent(SMALL, SMALL.replace(before, after), threads);
}

const line = (text: string): string => `\t${text.replace(' ', ' \t')};`;

describe('proofs of equivalence', () => {
  it('knows the same text', () => {
    expect(proveEquivalent(SMALL, SMALL, THREADS)).toBe('the PTX is the same');
  });

  it('sees that nothing reads a result', () => {
    expect(proof('mul.lo.s32 	%r9, %r2, 3', 'mul.lo.s32 	%r9, %r2, 5')).toMatch(/nothing reads/);
    expect(proof('mul.lo.s32 	%r9, %r2, 3', 'mul.lo.s32 	%r6, %r2, 5')).toBeUndefined();
    expect(proof('add.s32 	%r11, %r10, %r7', 'sub.s32 	%r11, %r10, %r7')).toBeUndefined();
  });

  it('works out what follows from the thread alone', () => {
    expect(proof('and.b32 	%r6, %r2, 63', 'and.b32 	%r6, %r2, 31')).toMatch(/each of the 32 threads/);
    expect(proof('and.b32 	%r6, %r2, 63', 'and.b32 	%r6, %r2, 62')).toBeUndefined();
    expect(proof('setp.gt.u32 	%p2, %r6, 31', 'setp.gt.u32 	%p2, %r6, 32')).toMatch(/each of the 32/);
    expect(proof('setp.gt.u32 	%p2, %r6, 31', 'setp.ge.u32 	%p2, %r6, 31')).toBeUndefined();
  });

  it('takes the number of threads into account', () => {
    const [before, after] = ['and.b32 	%r6, %r2, 63', 'and.b32 	%r6, %r2, 31'];
    expect(proof(before, after, 33)).toBeUndefined();
    expect(proof(before, after, 0)).toBeUndefined();
  });

  it('knows nothing of the CTA index or of what is loaded', () => {
    expect(proof('shl.b32 	%r4, %r3, 5', 'shl.b32 	%r4, %r3, 4')).toBeUndefined();
    expect(proof('setp.ge.s32 	%p1, %r5, %r1', 'setp.gt.s32 	%p1, %r5, %r1')).toBeUndefined();
  });

  it('sees that a branch leads to the next line', () => {
    const branch = line('@%p2 bra $L__NEXT').replace('@%p2 	bra ', '@%p2 bra 	');
    expect(proof(branch, '')).toMatch(/next line/);
    expect(proof('@%p2 bra 	$L__NEXT', '@!%p2 bra 	$L__NEXT')).toMatch(/next line/);
    expect(proof('@%p1 bra 	$L__END', '@!%p1 bra 	$L__END')).toBeUndefined();
    expect(proof('	@%p1 bra 	$L__END;', '')).toBeUndefined();
  });

  it('sees that a guard that no thread of the block passes is as good as none', () => {
    const never = SMALL.replace('@%p2 bra 	$L__NEXT', '@%p2 bra 	$L__END');
    expect(proveEquivalent(never, never.replace('	@%p2 bra 	$L__END;', ''), THREADS)).toMatch(/each of the 32/);
    expect(proveEquivalent(never, never.replace('@%p2 bra 	$L__END', 'bra 	$L__END'), THREADS)).toBeUndefined();
  });

  it('sees that a shuffle hands round what all have', () => {
    const [shuffle, other] = ['%r7, %r1, 0, 31, -1', '%r7, %r1, 1, 31, -1'];
    expect(proof(shuffle, other)).toMatch(/every thread/);
    expect(proof(shuffle, '%r7, %r1, 32, 31, -1')).toBeUndefined();
    expect(proof(shuffle, '%r7, %r2, 0, 31, -1')).toBeUndefined();
    const own = SMALL.replace(shuffle, '%r7, %r2, 0, 31, -1');
    expect(proveEquivalent(own, own.replace('%r2, 0, 31', '%r2, 1, 31'), THREADS)).toBeUndefined();
  });

  it('looks through moves of the same block', () => {
    const moves = '\tmov.b32 \t%r9, %r2;\n\tmov.b32 \t%r6, %r9;';
    const text = SMALL.replace('\tmul.lo.s32 \t%r9, %r2, 3;', moves);
    const at = (from: string, to: string, program = text): string | undefined =>
      proveEquivalent(program, program.replace(from, to), 0);
    const shuffle = '%r7, %r1, 0, 31';
    const of = (register: string): string => `%r7, ${register}, 0, 31`;
    const changed = text.replace(shuffle, of('%r6'));
    expect(at(of('%r6'), of('%r9'), changed)).toMatch(/copies/);
    expect(at(of('%r6'), of('%r2'), changed)).toMatch(/copies/);
    expect(at(of('%r6'), of('%r3'), changed)).toBeUndefined();
    const guarded = changed.replace('\tmov.b32 \t%r6', '\t@%p1 mov.b32 \t%r6');
    expect(at(of('%r6'), of('%r9'), guarded)).toBeUndefined();
    const labelled = changed.replace('\tmov.b32 \t%r6, %r9;', '\tmov.b32 \t%r6, %r9;\n$L__X:');
    expect(at(of('%r6'), of('%r9'), labelled)).toBeUndefined();
  });

  it('proves nothing of two changes at once', () => {
    const two = SMALL.replace('%r2, 63', '%r2, 31').replace('%r3, 5', '%r3, 4');
    expect(proveEquivalent(SMALL, two, THREADS)).toBeUndefined();
  });

  it('does not trust a register that is written twice', () => {
    const twice = SMALL.replace('mul.lo.s32 	%r9, %r2, 3', 'mov.u32 	%r2, %ctaid.x');
    expect(proveEquivalent(twice, twice.replace('%r2, 63', '%r2, 31'), THREADS)).toBeUndefined();
  });
});
