import { describe, expect, test } from '@jest/globals';
import { RoseError } from '../../../src/util/errors.js';
import { formatVerdict, verifyVariant, type Failure, type Subject } from '../../../src/verify/index.js';
import { broken, keepPositive, twice, twiceApart, withPtx } from './subjects.js';

const STORE = 'st.global.b32 	[%rd5], %f2;';

function failuresOf(subject: Subject): readonly Failure[] {
  const verdict = verifyVariant(subject);
  expect(verdict.passed).toBe(verdict.cases.every(({ failures }) => failures.length === 0));
  return verdict.cases.flatMap(({ failures }) => failures);
}

function caught(subject: Subject, kind: Failure['kind'], detail: object = {}): void {
  const found = failuresOf(subject).filter((failure) => failure.kind === kind);
  expect(found).not.toEqual([]);
  expect(found[0]).toMatchObject(detail);
}

function thrown(work: () => unknown): RoseError {
  try {
    work();
  } catch (error) {
    if (error instanceof RoseError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a kernel that does what its formula says', () => {
  test.each([
    ['contiguous', twice],
    ['with rows apart', twiceApart],
    ['that leaves elements alone', keepPositive],
  ])('passes, %s', (_name, subject) => {
    const verdict = verifyVariant(subject);
    expect(formatVerdict(verdict)).toMatch(/^passed /);
    expect(verdict.batchInvariant).toBe(true);
  });

  test('is run on no rows, one, a tile and one more or less, and on extremes; again the same', () => {
    const names = verifyVariant(twice).cases.map(({ name }) => name);
    for (const rows of [0, 1, 2, 3, 17]) expect(names).toContain(`tokens=${rows}, normal`);
    expect(names.some((name) => name.endsWith('extreme'))).toBe(true);
    expect(names).toContain('batch invariance');
    expect(verifyVariant(twice)).toEqual(verifyVariant(twice));
  });
});

describe('a broken kernel is caught:', () => {
  test('no bounds check', () => {
    const subject = broken(twice, '@%p1 bra 	$L__DONE;', '');
    caught(subject, 'fault', { report: { kind: 'out-of-bounds', allocation: 'x' } });
  });

  test('a bounds check that lets one row too many through', () => {
    caught(broken(twice, 'setp.ge.s32', 'setp.gt.s32'), 'fault', { report: { kind: 'out-of-bounds' } });
  });

  test('a bounds check that stops one row too early', () => {
    const subject = broken(twice, 'setp.ge.s32', 'add.s32 	%r6, %r6, 1;\n\tsetp.ge.s32');
    caught(subject, 'unwritten', { tensor: 'out', index: [0, 0] });
  });

  test('a constant that is off by its last bit', () => {
    const subject = broken(twice, '0f40000000', '0f40000001');
    caught(subject, 'value', { tensor: 'out', index: [0, 0], elements: 4 });
    const text = formatVerdict(verifyVariant(subject));
    expect(text).toMatch(/^failed twice\.cols4\.sm90\.prefill: \d+ of \d+ cases\n/);
    expect(text).toMatch(
      /tokens=1, normal: out\[0, 0\] is \S+ and should be \S+, \S+ units of the last place/,
    );
  });

  test('a neighbour of the element', () => {
    // Each thread of a pair reads the element of the other.
    const subject = broken(
      twice,
      'add.s64 	%rd4, %rd1, %rd3;',
      'xor.b64 	%rd4, %rd3, 4;\n\tadd.s64 	%rd4, %rd1, %rd4;',
    );
    caught(subject, 'value', { tensor: 'out', index: [0, 0] });
  });

  test('an input that is written', () => {
    const subject = broken(twice, STORE, `${STORE}\n\tst.global.b32 	[%rd4], %f2;`);
    caught(subject, 'fault', { report: { kind: 'write-to-input', allocation: 'x' } });
  });

  test('an output that is read', () => {
    const subject = broken(twice, 'ld.global.b32 	%f1, [%rd4];', 'ld.global.b32 	%f1, [%rd5];');
    caught(subject, 'fault', { report: { kind: 'uninitialised-read', allocation: 'out' } });
  });

  test('a write between rows', () => {
    const subject = broken(
      twiceApart,
      STORE,
      `${STORE}\n\tsetp.ne.s32 	%p2, %r9, 3;\n\t@%p2 bra 	$L__DONE;\n\tsetp.eq.s32 	%p3, %r4, 1;\n\t@%p3 bra 	$L__DONE;\n\tst.global.b32 	[%rd5+4], %f2;`,
    );
    caught(subject, 'stray', { tensor: 'out', byte: 16 });
  });

  test('rows taken to be contiguous where they are not', () => {
    const subject = broken(twiceApart, 'mul.lo.s64 	%rd8, %rd7, %rd6;', 'shl.b64 	%rd8, %rd7, 2;');
    expect(failuresOf(subject)).not.toEqual([]);
  });

  test('an element that is to be left alone', () => {
    const subject = broken(keepPositive, 'setp.leu.f32', 'setp.lt.f32');
    caught(subject, 'overwritten', { tensor: 'out' });
  });

  test('bits that depend on the place of the row', () => {
    // The last bit of every element of the second CTA and on is set.
    const subject = broken(
      twice,
      STORE,
      `mov.b32 	%r10, %f2;\n\tmin.u32 	%r11, %r3, 1;\n\tor.b32 	%r12, %r10, %r11;\n\tst.global.b32 	[%rd5], %r12;`,
    );
    const verdict = verifyVariant(subject);
    expect(verdict.batchInvariant).toBe(false);
    expect(formatVerdict(verdict)).toMatch(/batch invariance: out\[\d+, \d\]: row \d+ has other bits/);
  });
});

describe('a kernel that cannot be run says where:', () => {
  test('one that never ends', () => {
    const endless = broken(twice, '$L__DONE:\n', '$L__DONE:\n\tbra 	$L__DONE;\n');
    const error = thrown(() => verifyVariant(endless, { limits: { steps: 1000 } }));
    expect(error.code).toBe('SIM_LIMIT');
  });

  test('an unknown instruction', () => {
    const line = twice.ptx.split('\n').findIndex((each) => each.includes('mul.f32')) + 1;
    const error = thrown(() => verifyVariant(broken(twice, 'mul.f32', 'frobnicate.f32')));
    expect(error).toMatchObject({ code: 'PTX_UNSUPPORTED', place: { line } });
  });

  test('text that is no PTX', () => {
    expect(thrown(() => verifyVariant(withPtx(twice, 'no PTX at all'))).code).toBe('PTX_SYNTAX');
  });

  test.each([
    ['another kernel', 'twice_0(', 'thrice_0('],
    ['another block', '.reqntid 8, 1, 1', '.reqntid 16, 1, 1'],
    ['other parameters', '.param .u32 twice_0_param_2', '.param .u64 twice_0_param_2'],
  ])('a manifest that speaks of %s', (_name, piece, by) => {
    expect(thrown(() => verifyVariant(broken(twice, piece, by))).code).toBe('MANIFEST_INVALID');
  });
});

test('the first failure may be the last case', () => {
  const subject = broken(twice, '0f40000000', '0f40400000');
  const seen: string[] = [];
  const verdict = verifyVariant(subject, {
    stopAtFirstFailure: true,
    onCase: ({ name }) => seen.push(name),
  });
  expect(verdict.passed).toBe(false);
  expect(seen).toEqual(verdict.cases.map(({ name }) => name));
  expect(verdict.cases.filter(({ failures }) => failures.length > 0)).toHaveLength(1);
  expect(verdict.cases.at(-1)!.failures).not.toEqual([]);
});
