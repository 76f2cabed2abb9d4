import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expr } from '../../../src/device/index.js';
import { bindKernel, parseSpec } from '../../../src/spec/index.js';
import { LocalStore } from '../../../src/store/index.js';
import {
  recordedVerdict,
  recordVerdict,
  verdictKey,
  type Subject,
  type Verdict,
} from '../../../src/verify/index.js';
import { twice, withPtx } from './subjects.js';

const changed = (change: Partial<Subject['variant']>): Subject => ({
  ...twice,
  variant: { ...twice.variant, ...change },
});
const { launch, tensors, params } = twice.variant;

function respecified(from: string, to: string): Subject {
  const spec = parseSpec(twice.bound.spec.origin.text.replace(from, to), 'own.yaml');
  return { ...twice, bound: bindKernel(spec, { dims: {}, types: {}, flags: {} }) };
}

describe('a key changes with all that a verdict follows from:', () => {
  test.each<readonly [string, Subject]>([
    ['the PTX', withPtx(twice, `${twice.ptx}\n`)],
    ['the formula', respecified('* 2.0', '* 3.0')],
    ['the tolerance', respecified('dims:', 'tolerance: { ulp: 2, reason: a test }\ndims:')],
    ['the grid', changed({ launch: { ...launch, grid: [expr.const(1), expr.const(1), expr.const(1)] } })],
    ['shared memory', changed({ launch: { ...launch, sharedMemoryBytes: 64 } })],
    ['a tensor', changed({ tensors: tensors.slice(1) })],
    ['a parameter', changed({ params: params.map((each) => ({ ...each, offset: each.offset + 8 })) })],
    ['a guard', changed({ guards: [] })],
    ['the entry', changed({ entry: 'other' })],
  ])('%s', (_name, subject) => {
    expect(verdictKey(subject)).not.toBe(verdictKey(twice));
  });

  test('the options', () => {
    const keys = [{}, { checks: 'none' }, { checks: 'all' }, { limits: { steps: 10 } }] as const;
    expect(new Set(keys.map((options) => verdictKey(twice, options))).size).toBe(keys.length);
  });

  test('and with nothing else', () => {
    const { files, resources } = twice.variant;
    const same = changed({
      reasons: ['another'],
      specKey: 'another',
      artifactKey: 'another',
      resources: { ...resources, registers: 1 },
      files: { ...files, cubin: { ...files.cubin, bytes: 1 } },
    });
    expect(verdictKey(same)).toBe(verdictKey(twice));
    expect(verdictKey(respecified('\ndims:', '\n\ndims:'))).toBe(verdictKey(twice));
  });
});

test('a verdict comes back from the store as it was, numbers that JSON lacks included', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rose-gen-record-'));
  try {
    const value = { kind: 'value', tensor: 'NaN', index: [3, 17], wrong: 1, elements: 9 } as const;
    const verdict: Verdict = {
      id: 'Infinity',
      passed: false,
      batchInvariant: true,
      cases: [
        {
          name: 'tokens=1, extreme',
          worstUlp: 0.5,
          failures: [
            { ...value, actual: NaN, expected: 1.5, ulp: Infinity },
            { ...value, actual: -Infinity, expected: Infinity, ulp: Infinity },
            { kind: 'unwritten', tensor: 'out', index: [0] },
          ],
        },
      ],
    };
    const store = new LocalStore(dir);
    const key = verdictKey(twice);
    expect(await recordedVerdict(store, key)).toBeUndefined();
    await recordVerdict(store, key, verdict);
    expect(await recordedVerdict(store, key)).toEqual(verdict);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
