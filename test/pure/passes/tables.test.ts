import { describe, expect, test } from '@jest/globals';
import { renderVariant } from '../../../src/build/index.js';
import { ARCHITECTURES } from '../../../src/device/index.js';
import type { ScheduleOverride } from '../../../src/plan/index.js';
import { sharedBytes } from '../../../src/passes/index.js';
import { loadSpec, parseSpec, type Binding } from '../../../src/spec/index.js';
import { packagePath } from '../../../src/util/package-root.js';
import { raised } from '../../support/raised.js';
import { variantOf } from '../../support/variants.js';

const permute = await loadSpec(packagePath('specs/moe_permute.yaml'));
const dispatch = await loadSpec(packagePath('specs/moe_dispatch.yaml'));
const DIMS = { experts: 128, total: 128, top_k: 8, pad: 16 };
const index: Binding = { dims: DIMS, types: {}, flags: {} };
const rows: Binding = { dims: { ...DIMS, hidden: 2048 }, types: { T: 'bf16' }, flags: {} };

const render = (spec = permute, binding = index, phase: 'prefill' | 'decode' = 'prefill', arch = 'sm90') =>
  renderVariant(variantOf(spec, binding, arch, phase, false), spec, { stages: true });

describe('a section that counts', () => {
  test('has its tables beside its rows', () => {
    const { stages } = render();
    const [, tables, own] = stages.find(({ pass }) => pass === 'split-tables')!.text.split(/^section.*$/m);
    expect(tables).toMatch(/= count of experts over tokens, top_k/);
    expect(tables).toMatch(/= scan along experts/);
    expect(own).toMatch(/= rank of experts/);
    expect(own).toMatch(/= lookup along experts/);
    expect(own).not.toMatch(/= (count|scan)/);
    expect(own).not.toMatch(/axes .*experts/);
  });

  test('counts once for neighbouring tiles in prefill, and once a tile in decode', () => {
    const prefill = render().kernel;
    expect(prefill.schedule).toMatchObject({ threads: 512, cluster: 1, persistent: { ctasPerSm: 1 } });
    expect(render().module.text).toContain('first_tile');
    const decode = render(dispatch, rows, 'decode').kernel;
    expect(decode.schedule).toMatchObject({ threads: 256, cluster: 1 });
    expect(decode.schedule!.persistent).toBeUndefined();
    expect(decode.sections[0]!.schedule).toEqual({ threadsPerRow: 256, rowsPerCta: 1, vector: 8 });
  });

  test('is counted in prefill by the CTAs of a cluster together, in as much shared memory as all have', () => {
    const counted = (experts: number, arch: string, kilobytes = 99) => {
      const binding = { ...index, dims: { ...DIMS, experts, total: experts } };
      const { kernel, module } = render(permute, binding, 'prefill', arch);
      const { threads, counters = 1 } = kernel.schedule!;
      expect(module.text.includes('cluster=(')).toBe(counters > 1);
      expect(sharedBytes(kernel)).toBeLessThan(kilobytes * 1024);
      return [threads, counters];
    };
    expect(counted(128, 'sm90')).toEqual([512, 8]);
    expect(counted(1024, 'sm120')).toEqual([256, 2]);
    expect(counted(1024, 'sm90', 227)).toEqual([512, 8]);
    expect(counted(128, 'sm80')).toEqual([1024, 1]);
    expect(counted(1024, 'sm89')).toEqual([256, 1]);
    expect(render(permute, index, 'decode').kernel.schedule!.counters).toBeUndefined();
  });

  test.each([
    ['moe_permute', permute, index, 19_368],
    ['moe_dispatch', dispatch, rows, 19_364],
  ] as const)(
    'of %s is refused beyond what shared memory holds, with the dimension and its limit',
    (_name, spec, binding, most) => {
      const of = (experts: number) => () =>
        render(spec, { ...binding, dims: { ...binding.dims, experts, total: experts } });
      expect(of(most)).not.toThrow();
      const error = raised(of(20_000));
      expect(error).toMatchObject({
        code: 'SCHEDULE_ILLEGAL',
        message: `${spec.name} on sm90: tables along experts take too much shared memory`,
        actual: expect.stringMatching(/^2400\d\d bytes, of which 240000 for 20000 elements of experts$/),
        expected: `at most 232448 bytes: ${most} elements of experts`,
        next: 'count over fewer experts',
      });
      expect(error.place?.text).toContain('n = count[tokens, top_k](experts: bin)');
    },
  );

  const scheduled = (
    formula: readonly string[],
    dims: Record<string, number>,
    schedule: ScheduleOverride = {},
    tensors: readonly string[] = [],
  ) => {
    const spec = parseSpec(
      [
        'kernel: probe',
        'doc: Probes schedules.',
        `dims: { rows: dynamic, bins: static, more: static${'d' in dims ? ', d: static' : ''} }`,
        'tensors:',
        '  a: { shape: [rows], dtype: i32 }',
        ...('d' in dims ? ['  x: { shape: [rows, d], dtype: f32 }'] : []),
        '  n: { shape: [bins], dtype: i32, access: out }',
        '  m: { shape: [more], dtype: i32, access: out }',
        '  at: { shape: [rows], dtype: i32, access: out }',
        ...tensors.map((each) => `  ${each}`),
        'formula: |',
        ...['n = count[rows](bins: a)', 'm = count[rows](more: a)', ...formula].map((each) => `  ${each}`),
        '',
      ].join('\n'),
      'probe.yaml',
    );
    const used = { dims: { bins: 8, more: 8, ...dims }, types: {}, flags: {} };
    const variant = variantOf(spec, used, 'sm90', 'prefill', false);
    return renderVariant({ ...variant, schedule }, spec, {}).kernel.schedule!;
  };
  const RANK = 'at = rank[rows](bins: a)';
  const LARGEST = 'y: { shape: [rows, d], dtype: f32, access: out }';

  test('a row that has a cluster, or a function of all of it, is not counted by another', () => {
    const largest = [RANK, 'y = max(x, max[d](x) * 0.5)'];
    const long = scheduled(largest, { d: 32768 }, {}, [LARGEST]);
    expect([long.cluster > 1, long.counters]).toEqual([true, undefined]);
    const asked = scheduled(largest, { d: 1024 }, { cluster: 2 }, [LARGEST]);
    expect([asked.cluster, asked.counters]).toEqual([2, undefined]);
    const argmax = scheduled([RANK, 'y = argmax[d](x)'], { d: 1024 }, {}, [
      'y: { shape: [rows], dtype: i32, access: out }',
    ]);
    expect(argmax.counters).toBeUndefined();
  });

  test('the shared memory of all that is counted is counted', () => {
    const both = [RANK, 'y = rank[rows](more: a)'];
    const place = 'y: { shape: [rows], dtype: i32, access: out }';
    const { counters = 1, threads } = scheduled(both, { bins: 1024, more: 1024 }, {}, [place]);
    // 6,144 counts of its own and of each CTA: of two CTAs 72 KiB, of four 120 KiB, of 113 KiB for them.
    expect([counters, threads]).toEqual([2, 256]);
  });

  test('whole warps rank', () => {
    const rows = (threads: number) => scheduled([RANK], {}, { threads }).threads;
    expect([16, 48, 100, 256].map(rows)).toEqual([32, 32, 96, 256]);
  });

  test('whole clusters are launched', () => {
    const { text } = render().module;
    expect(text).toContain('grid=((cute.math.max((tokens * 8 + 511) // 512, 1) + 7) // 8 * 8, 1, 1)');
  });

  test('runs in decode on every architecture without clusters or barriers of the grid', () => {
    for (const { name } of ARCHITECTURES) {
      const { text } = render(dispatch, rows, 'decode', name).module;
      expect(text).toContain('atomic_add(s_n.iterator');
      expect(text).not.toMatch(/cluster|scope="gpu"/);
    }
  });

  const refused = (dims: string, tensors: readonly string[], formula: readonly string[]) => {
    const spec = parseSpec(
      [
        'kernel: probe',
        'doc: Probes tables.',
        `dims: ${dims}`,
        'tensors:',
        ...tensors.map((each) => `  ${each}`),
      ]
        .concat('formula: |', ...formula.map((each) => `  ${each}`), '')
        .join('\n'),
      'probe.yaml',
    );
    const binding = Object.fromEntries(
      spec.dims.flatMap((dim) => (dim.kind === 'static' ? [[dim.name, 8]] : [])),
    );
    return raised(() => render(spec, { dims: binding, types: {}, flags: {} }));
  };
  const IDS = 'ids: { shape: [rows, k], dtype: i32 }';

  test.each([
    [
      'rows in another order',
      [
        IDS,
        'at: { shape: [rows, k], dtype: i32, access: out }',
        'n: { shape: [bins], dtype: i32, access: out }',
      ],
      ['at = rank[k, rows](bins: ids)', 'n = count[k, rows](bins: ids)'],
      'rows over (rows, k), counted over (k, rows)',
    ],
    [
      'bins of which there are none',
      [IDS, 'at: { shape: [rows, k], dtype: i32, access: out }'],
      ['at = rank[rows, k](bins: ids)'],
      'counts of bins, which nothing that is read or written has',
    ],
    [
      'a table over rows that is updated in place',
      [IDS, 'n: { shape: [bins], dtype: i32, access: inout }'],
      ['n = n + count[rows, k](bins: ids)'],
      'a table over rows that is made of n and written to it',
    ],
    [
      'a table beside rows',
      [IDS, 'at: { shape: [rows, k, bins], dtype: i32, access: out }'],
      ['at = ids + count[rows, k](bins: ids)'],
      'a table over bins beside values over rows',
    ],
    [
      'counts over several dimensions',
      [IDS, 'more: { shape: [rows], dtype: i32 }', 'n: { shape: [bins], dtype: i32, access: out }'],
      ['n = count[rows, k](bins: ids) + count[rows](bins: more)'],
      'counts over (rows, k) and over (rows)',
    ],
    [
      'a write along a dimension known at launch beside a table',
      [IDS, 'n: { shape: [bins, cols], dtype: i32, access: out }'],
      ['n = count[rows, k](bins: ids) + i32(index(cols))'],
      'a write over cols, known only at launch',
    ],
  ])('refuses %s', (_what, tensors, formula, actual) => {
    const cols = formula.join().includes('cols') ? ', cols: dynamic' : '';
    const error = refused(`{ rows: dynamic, k: static, bins: static${cols} }`, tensors, formula);
    expect(error.code).toBe('FORMULA_UNSUPPORTED');
    expect(error.actual).toContain(actual);
    expect(error.place?.file).toBe('probe.yaml');
  });
});
