import fc from 'fast-check';
import { parseJson, plainValue } from '../../../src/plan/json-tree.js';
import { SourceText } from '../../../src/spec/source-text.js';
import { roseError } from './helpers.js';

const read = (text: string) => plainValue(parseJson(new SourceText('config.json', text)));

test('reads what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 2, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(read(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: 1000 },
  );
});

test('accepts and refuses what JSON.parse does', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"\\u00e9"',
    '"\\x"',
    '1',
    '-0',
    '01',
    '1.',
    '.5',
    '1e3',
    'true',
    'nul',
    ' ',
    '\n',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 9 }), (parts) => {
      const text = parts.join('');
      const outcome = (run: (text: string) => unknown): unknown => {
        try {
          return { value: run(text) };
        } catch {
          return 'refused';
        }
      };
      expect(outcome(read)).toEqual(outcome(JSON.parse));
    }),
    { numRuns: 5000 },
  );
});

test("reads the numbers that Python's json writes", () => {
  expect(read('[NaN, Infinity, -Infinity]')).toEqual([NaN, Infinity, -Infinity]);
});

test('a byte order mark and a key given twice are no errors', () => {
  expect(read('\uFEFF{"a": 1, "a": 2}')).toEqual({ a: 2 });
});

test('a key cannot reach the prototype', () => {
  const value = read('{"__proto__": {"polluted": true}, "constructor": 1}') as object;
  expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test.each([
  ['{\n  "a": 1,\n  "b": }\n', 3, 8, 'a value'],
  ['{\n  "a": 1,\n}\n', 3, 1, 'a field name in double quotes'],
  ['{\n  "a": 1\n  "b": 2\n}\n', 3, 3, '"," or "}"'],
  ['{"a" 1}', 1, 6, '":"'],
  ['[1, 2', 1, 6, '"," or "]"'],
  ['{"a": "x\ny"}', 1, 7, 'a string that ends on its line and has legal escapes'],
  ['{} {}', 1, 4, 'the end of the file'],
  ['', 1, 1, 'a value'],
])('%j is refused at %d:%d', async (text, line, column, expected) => {
  expect(await roseError(() => read(text))).toMatchObject({
    code: 'MODEL_CONFIG',
    expected,
    place: { file: 'config.json', line, column },
  });
});

test('deep nesting and long texts end in an answer', async () => {
  expect(await roseError(() => read('['.repeat(100_000)))).toMatchObject({ code: 'MODEL_CONFIG' });
  const long = 'x'.repeat(1_000_000);
  expect(read(JSON.stringify(long))).toBe(long);
  const error = await roseError(() => read(`{"a": "${long}", "b": }`));
  expect(error.format().length).toBeLessThan(1000);
});
