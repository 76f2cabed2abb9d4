import { describe, expect, test } from '@jest/globals';
import { bindKernel, parseSpec, type KernelSpec } from '../../../src/spec/index.js';
import { raised } from '../../support/raised.js';

const TENSORS = [
  'ids: { shape: [rows, k], dtype: i32 }',
  'w: { shape: [bins], dtype: f32 }',
  'at: { shape: [rows, k], dtype: i32, access: out }',
  'n: { shape: [bins], dtype: i32, access: out }',
];

const text = (formula: readonly string[], dims = '{ rows: dynamic, k: static, bins: static }'): string =>
  `kernel: probe
doc: Probes tables.
dims: ${dims}
tensors:
${TENSORS.map((tensor) => `  ${tensor}`).join('\n')}
formula: |
${formula.map((line) => `  ${line}`).join('\n')}
`;

const values = (spec: KernelSpec) =>
  bindKernel(spec, { dims: { k: 2, bins: 8 }, types: {}, flags: {} }).sections[0]!.statements.map(
    ({ value }) => value,
  );

const USES_W = 'n = c + i32.rz(w)';

describe('tables', () => {
  test('a count varies over its bins, a rank over what is counted, a lookup over its index', () => {
    const formula = [
      'c = count[rows, k](bins: ids)',
      's = scan[bins](c)',
      'at = s[bins: ids - 1] + rank[rows, k](bins: ids)',
      USES_W,
    ];
    const [count, scan, at, n] = values(parseSpec(text(formula), 'probe.yaml'));
    expect(count).toMatchObject({
      kind: 'tally',
      fn: 'count',
      dims: ['rows', 'k'],
      bins: 'bins',
      axes: ['bins'],
    });
    expect(scan).toMatchObject({ kind: 'scan', dim: 'bins', dtype: 'i32', axes: ['bins'] });
    expect(at).toMatchObject({ left: { kind: 'lookup', axes: ['rows', 'k'] }, right: { fn: 'rank' } });
    expect(n).toMatchObject({ kind: 'binary', axes: ['bins'] });
  });

  test.each([
    [
      'some of its dimensions',
      ['c = count[rows](bins: ids)'],
      'FORMULA_TYPE',
      'over all dimensions of its index',
    ],
    ['a dimension twice', ['c = count[rows, rows](bins: ids)'], 'FORMULA_TYPE', 'over all dimensions'],
    ['floats', ['c = count[rows, k](bins: f32(ids))'], 'FORMULA_TYPE', 'count is defined on i32 alone'],
    [
      'bins known at launch',
      ['c = count[k](rows: index(k))'],
      'FORMULA_UNSUPPORTED',
      'rows is known only at launch',
    ],
    [
      'bins that it varies over',
      ['c = count[rows, k](k: ids)'],
      'FORMULA_TYPE',
      'the dimension that it lies in',
    ],
    ['no index', ['c = count[rows, k](ids)'], 'FORMULA_SYNTAX', 'does not parse'],
    ['no dimensions', ['c = rank(ids)'], 'FORMULA_TYPE', 'rank lacks its dimensions'],
    ['a scan of rows', ['c = scan[k](ids)'], 'FORMULA_TYPE', 'along the one dimension of its value'],
    ['a scan of floats', ['c = scan[bins](w)'], 'FORMULA_TYPE', 'scan is defined on i32 alone'],
    [
      'a table along another dimension',
      ['c = count[rows, k](bins: ids)', 'at = c[k: ids]'],
      'FORMULA_TYPE',
      'the table does not vary over k',
    ],
  ] as const)('refuses %s', (_what, formula, code, message) => {
    const error = raised(() => values(parseSpec(text([...formula, 'at = ids', USES_W]), 'probe.yaml')));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.place?.file).toBe('probe.yaml');
  });

  test('what is counted is no input that the kernel updates', () => {
    const spec = text(['c = count[rows, k](bins: at)', 'at = c[bins: ids]', USES_W]).replace(
      'dtype: i32, access: out }\n  n',
      'dtype: i32, access: inout }\n  n',
    );
    const error = raised(() => values(parseSpec(spec, 'probe.yaml')));
    expect(error.code).toBe('FORMULA_UNSUPPORTED');
    expect(error.format()).toContain('all positions that are counted');
  });
});
