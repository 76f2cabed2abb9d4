import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderVariant } from '../../../src/build/index.js';
import { readTuning, specHash, withTuning, type Plan, type TuningEntry } from '../../../src/plan/index.js';
import { loadSpecs, type KernelSpec } from '../../../src/spec/index.js';
import { candidatesOf, decide, mergeTuning, readTasks, type Timings } from '../../../src/tune/index.js';
import { packagePath } from '../../../src/util/package-root.js';
import { bindingsOf, variantOf } from '../../support/variants.js';

const specs = await loadSpecs(packagePath('specs'));
const specOf = (name: string): KernelSpec => specs.get(name)!;

describe('candidates', () => {
  const SIZES = { hidden: 4096, inter: 12288, page: 16, q_heads: 32, k_heads: 8, half: 64 };

  test.each(['rms_norm', 'swiglu', 'qk_norm_rope_cache', 'embedding'])(
    'of %s are legal, and differ from the compiler’s own schedule and from each other',
    (name) => {
      const spec = specOf(name);
      const variant = variantOf(spec, bindingsOf(spec, SIZES)[0]!);
      const schedules = candidatesOf(variant, spec);
      expect(schedules.length).toBeGreaterThan(5);
      const describeKernel = (each: typeof variant): string => {
        const { module, kernel } = renderVariant(each, spec);
        // The number of CTAs of a persistent grid stands in the launch rule alone.
        return module.text.slice(module.text.indexOf('\n\n')) + JSON.stringify(kernel.schedule?.persistent);
      };
      const modules = [variant, ...schedules.map((schedule) => ({ ...variant, schedule }))].map((each) =>
        describeKernel(each),
      );
      expect(new Set(modules).size).toBe(modules.length);
    },
  );

  test('do not depend on the schedule that the variant has', () => {
    const spec = specOf('rms_norm');
    const variant = variantOf(spec, bindingsOf(spec, SIZES)[0]!);
    const tuned = { ...variant, schedule: { threads: 512, threadsPerRow: 512 }, tunedOn: 'a device' };
    expect(candidatesOf(tuned, spec)).toEqual(candidatesOf(variant, spec));
  });
});

describe('a decision', () => {
  const timings = (...rows: readonly Readonly<Record<string, number>>[]): Timings =>
    new Map(rows.map((times, i) => [i, new Map(Object.entries(times))] as const));

  test('takes the fastest in the geometric mean', () => {
    expect(decide('own', timings({ own: 10, a: 9, b: 8 }, { own: 100, a: 80, b: 95 }))).toBe('a');
  });

  test('never one that is slower at any number of rows', () => {
    expect(decide('own', timings({ own: 10, a: 2 }, { own: 100, a: 100.1 }))).toBeUndefined();
  });

  test('nor one whose gain is noise, or that was not timed at every number of rows', () => {
    expect(decide('own', timings({ own: 10, a: 9.9 }, { own: 100, a: 98.5 }))).toBeUndefined();
    expect(decide('own', timings({ own: 10, a: 5 }, { own: 100 }))).toBeUndefined();
  });

  test('and nothing where the compiler’s own schedule was found wrong', () => {
    expect(decide('own', timings({ a: 5 }))).toBeUndefined();
  });
});

const entryOf = (variant: string, change: Partial<TuningEntry> = {}): TuningEntry => ({
  variant,
  spec: specHash(specOf('rms_norm')),
  schedule: { threads: 512, threadsPerRow: 512 },
  device: 'a device',
  cuda: '13.0',
  date: '2026-01-01',
  measured: [{ rows: 512, own: 2, tuned: 1 }],
  ...change,
});

describe('a tuning file', () => {
  const norm = specOf('rms_norm');
  const variants = [1024, 2048].map((hidden) => variantOf(norm, bindingsOf(norm, { hidden })[0]!));
  const plan = { variants } as unknown as Plan;
  const [first, second] = variants.map(({ id }) => id) as [string, string];

  test('gives variants their schedules, the last file first', () => {
    const older = { schema: 1 as const, entries: [entryOf(first, { schedule: { threads: 64 } })] };
    const newer = { schema: 1 as const, entries: [entryOf(first)] };
    const tuned = withTuning(plan, [older, newer], specs).variants;
    expect(tuned[0]).toEqual({
      ...variants[0],
      schedule: { threads: 512, threadsPerRow: 512 },
      tunedOn: 'a device',
    });
    expect(tuned[1]).toEqual(variants[1]);
  });

  test('says nothing of a spec that has changed', () => {
    const stale = { schema: 1 as const, entries: [entryOf(first, { spec: 'another' })] };
    expect(withTuning(plan, [stale], specs).variants).toEqual(variants);
  });

  test('keeps entries of variants that were not measured, and loses those whose own schedule is best', () => {
    const before = { schema: 1 as const, entries: [entryOf('z'), entryOf(first), entryOf(second)] };
    const merged = mergeTuning(before, [
      { variant: first, candidates: 3, gain: 1 },
      { variant: second, candidates: 3, gain: 2, entry: entryOf(second, { date: '2026-02-02' }) },
    ]);
    expect(merged).toEqual({
      schema: 1,
      entries: [entryOf(second, { date: '2026-02-02' }), entryOf('z')],
    });
  });

  test.each([
    ['no JSON', '{', /JSON/],
    ['another version', '{ "schema": 9, "entries": [] }', /schema 9/],
    ['no object', 'null', /schema undefined/],
    ['no entries', '{ "schema": 1 }', /entry 0/],
    ['a malformed entry', '{ "schema": 1, "entries": [{ "variant": 1 }] }', /entry 0/],
    [
      'an unknown field of a schedule',
      JSON.stringify({ schema: 1, entries: [{ ...entryOf('a'), schedule: { speed: 11 } }] }),
      /entry 0/,
    ],
  ])('with %s is refused', async (_what, text, actual) => {
    const folder = await mkdtemp(join(tmpdir(), 'rose-gen-tuning-'));
    try {
      const file = join(folder, 'tuning.json');
      await writeFile(file, text);
      await expect(readTuning(file)).rejects.toMatchObject({
        code: 'TUNING_INVALID',
        place: { file },
        actual: expect.stringMatching(actual),
      });
      await expect(readTasks(folder)).rejects.toMatchObject({ code: 'TUNING_INVALID' });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('of the package can be read, and is of specs that are there', async () => {
    const { entries } = await readTuning(packagePath('tuning/sm90.json'));
    const hashes = new Set([...specs.values()].map(specHash));
    for (const { variant, spec, measured } of entries) {
      expect([variant, hashes.has(spec)]).toEqual([variant, true]);
      for (const { own, tuned } of measured) expect(tuned).toBeLessThanOrEqual(own);
    }
  });
});
