import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plan, type Model } from '../../../src/plan/index.js';
import { knownModelTypes, loadRecipe } from '../../../src/plan/load-recipe.js';
import { packagePath } from '../../../src/util/package-root.js';
import { librarySpecs, modelOf, roseError, SMALL } from './helpers.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rose-recipe-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function recipe(text: string, name = 'mine'): Promise<string> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, text);
  return file;
}

/** The small model under a recipe of the test's own. */
async function modelUnder(text: string): Promise<Model> {
  await recipe(text);
  return { ...(await modelOf(SMALL)), recipe: await loadRecipe('mine', folder) };
}

async function planUnder(text: string) {
  return plan({
    model: await modelUnder(text),
    archs: ['sm90'],
    phases: ['decode'],
    specs: await librarySpecs(),
  });
}

test('every recipe of the library loads', async () => {
  for (const type of await knownModelTypes()) expect((await loadRecipe(type)).modelType).toBe(type);
  const parts = (await readdir(packagePath('models/types'))).filter((name) => name.startsWith('_'));
  for (const part of parts) expect(await knownModelTypes()).not.toContain(part.replace('.yaml', ''));
});

test('a recipe is fields, facts and needs', async () => {
  const whole = await planUnder(
    `
doc: test
fields: { hidden_size: size, head_dim: size? }
facts: { double: hidden_size * 2 }
needs:
  - kernel: rms_norm
    dims: { hidden: double }
    types: { T: dtype }
    flags: { gated: false, unit_offset: false }
    reason: norm of {double} = 2 x {hidden_size}
  - kernel: rms_norm
    when: head_dim > 64
    dims: { hidden: head_dim }
    types: { T: dtype }
    flags: { gated: false, unit_offset: false }
    reason: never
not_covered:
  - { op: thing, reason: because of {hidden_size} }
`.replace(
      '{ op: thing, reason: because of {hidden_size} }',
      '{ op: thing, reason: "because of {hidden_size}" }',
    ),
  );
  expect(whole.variants).toMatchObject([
    { id: 'rms_norm.hidden512.bf16.sm90.decode', reasons: ['norm of 512 = 2 x 256'] },
  ]);
  expect(whole.notCovered).toEqual([{ op: 'thing', reason: 'because of 256' }]);
});

test('what extends overrides, and a part reached twice counts once', async () => {
  await recipe(
    'doc: base\nfields: { hidden_size: size }\nfacts: { width: hidden_size }\nnot_covered: [{ op: base, reason: "{width}" }]',
    '_base',
  );
  await recipe('doc: left\nextends: [_base]\nfacts: { width: 1 }', '_left');
  await recipe('doc: right\nextends: [_base]\nnot_covered: [{ op: right, reason: r }]', '_right');
  const whole = await planUnder('doc: both\nextends: [_left, _right]\nfacts: { width: 7 }');
  expect(whole.notCovered).toEqual([
    { op: 'base', reason: '7' },
    { op: 'right', reason: 'r' },
  ]);
});

test.each<[string, string, object]>([
  ['a misspelt field', 'doc: x\nneedz: []\n', { line: 2, column: 1 }],
  ['a missing field', 'doc: x\nneeds:\n  - kernel: rms_norm\n', { line: 3 }],
  ['broken YAML', 'doc: x\nfacts: { a: [ }\n', { line: 2 }],
  ['an unknown kind', 'doc: x\nfields: { a: integer }\n', { line: 2, column: 14 }],
  ['a broken expression', 'doc: x\nfacts:\n  a: 1 +* 2\n', { line: 3, column: 9 }],
  ['a broken expression in quotes', 'doc: x\nfacts:\n  a: "1 +* 2"\n', { line: 3, column: 10 }],
  [
    'an unknown name',
    'doc: x\nfields: { hidden_size: size }\nfacts:\n  a: 2 * hidden_sise\n',
    { line: 4, column: 10 },
  ],
  [
    'an unknown name in a text',
    'doc: x\nnot_covered:\n  - op: a\n    reason: "of {layers} layers"\n',
    { line: 4, column: 18 },
  ],
  ['a fact that hides a field', 'doc: x\nfields: { a: size }\nfacts: { a: 1 }\n', { line: 3 }],
  ['a check of no field', 'doc: x\nchecks:\n  - { require: "true", field: nope, message: m }\n', { line: 3 }],
  ['a base that is not there', 'doc: x\nextends: [_nowhere]\n', {}],
  ['a recipe that extends itself', 'doc: x\nextends: [mine]\n', { line: 2 }],
])('%s is refused where it stands', async (_what, text, place) => {
  await recipe(text);
  const error = await roseError(() => loadRecipe('mine', folder));
  expect(error).toMatchObject({ code: 'RECIPE_INVALID', place });
  expect(error.next).not.toBe('');
});

const need = (lines: string): string =>
  `doc: x\nfields: { hidden_size: size, hidden_act: text?, head_dim: size? }\nneeds:\n  - kernel: ${lines}\n    reason: r\n`;
const FULL =
  'rms_norm\n    dims: { hidden: hidden_size }\n    types: { T: dtype }\n    flags: { gated: false, unit_offset: false }';

test('the need that the next cases break is whole', async () => {
  expect((await planUnder(need(FULL))).variants).toHaveLength(1);
});

test.each<[string, string, string]>([
  ['a kernel that is no spec', FULL.replace('rms_norm', 'rms_nrom'), 'did you mean rms_norm?'],
  ['an open dimension', FULL.replace('hidden: hidden_size', ''), 'mend the recipe'],
  [
    'a dimension too many',
    FULL.replace('hidden: hidden_size', 'hidden: hidden_size, heads: 2'),
    'mend the recipe',
  ],
  [
    'a dynamic dimension',
    FULL.replace('hidden: hidden_size', 'hidden: hidden_size, tokens: 2'),
    'mend the recipe',
  ],
  ['an open type', FULL.replace('T: dtype', ''), 'mend the recipe'],
  ['an open flag', FULL.replace('gated: false, ', ''), 'mend the recipe'],
  ['a misspelt flag', FULL.replace('gated: false', 'gatd: false'), 'did you mean gated?'],
  ['a flag that is no boolean', FULL.replace('gated: false', 'gated: 1'), 'mend the recipe'],
  [
    'a dimension of nothing',
    FULL.replace('hidden: hidden_size', 'hidden: hidden_size - 256'),
    'or say under `when`',
  ],
  ['a dimension that is a text', FULL.replace('hidden: hidden_size', 'hidden: dtype'), 'mend the recipe'],
])('%s is refused against the specs', async (_what, lines, next) => {
  const error = await roseError(() => planUnder(need(lines)));
  expect(error).toMatchObject({ code: 'RECIPE_INVALID', place: { line: expect.any(Number) } });
  expect(error.next).toContain(next);
});

test("a field that the config lacks is the config's fault, with its name", async () => {
  const error = await roseError(() =>
    planUnder(need(FULL.replace('hidden: hidden_size', 'hidden: hidden_act'))),
  );
  expect(error).toMatchObject({ code: 'MODEL_CONFIG', message: 'the config has no hidden_act' });
});

test('facts that go round in circles are refused', async () => {
  const error = await roseError(() => planUnder('doc: x\nfacts: { a: b + 1, b: a + 1 }\n'));
  expect(error).toMatchObject({ code: 'RECIPE_INVALID', place: { line: 2 } });
});
