/** Recipe files -> Recipe: read, checked against the schema, merged along `extends`, expressions parsed and resolved. */

import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ValidateFunction } from 'ajv';
import { RoseError, closest } from '../util/errors.js';
import { packagePath } from '../util/package-root.js';
import { namesOf, parseExpression } from './expression.js';
import {
  GIVEN_FACTS,
  type Check,
  type FieldDecl,
  type FieldKind,
  type Gap,
  type Need,
  type Phase,
  type Recipe,
  type RecipeExpression,
  type Template,
} from './recipe.js';
import { YamlFile, type YamlPath } from './yaml-file.js';

/** A recipe file as the schema lets it through. */
interface RecipeFile {
  readonly extends?: readonly string[];
  readonly fields?: Readonly<Record<string, string>>;
  readonly facts?: Readonly<Record<string, Scalar>>;
  readonly checks?: readonly { readonly require: Scalar; readonly field: string; readonly message: string }[];
  readonly needs?: readonly NeedFile[];
  readonly not_covered?: readonly { readonly op: string; readonly reason: string; readonly when?: Scalar }[];
}

interface NeedFile {
  readonly kernel: string;
  readonly dims?: Readonly<Record<string, Scalar>>;
  readonly types?: Readonly<Record<string, Scalar>>;
  readonly flags?: Readonly<Record<string, Scalar>>;
  readonly phases?: readonly Phase[];
  readonly when?: Scalar;
  readonly reason: string;
}

type Scalar = string | number | boolean;

const DTYPES = ['f32', 'bf16', 'f16', 'e4m3', 'e5m2', 'i8', 'i32', 'i64', 'u8', 'bool'];

/** Model types with a recipe, sorted. A file whose name begins with `_` is only extended. */
export async function knownModelTypes(folder = packagePath('models/types')): Promise<readonly string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => name.endsWith('.yaml') && !name.startsWith('_'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();
}

/** Raises RECIPE_INVALID with the place in the recipe. `modelType` is one of `knownModelTypes`. */
export async function loadRecipe(
  modelType: string,
  folder = packagePath('models/types'),
): Promise<Recipe> {
  const parts = await readChain(modelType, folder, []);
  const recipe = merge(
    modelType,
    parts.map(({ file, value }) => compile(file, value)),
    parts.at(-1)!.file.source.file,
  );
  checkNames(recipe);
  return recipe;
}

interface Part {
  readonly file: YamlFile;
  readonly value: RecipeFile;
}

/** The files a recipe is made of, those it extends first; one that is reached twice counts once. */
async function readChain(name: string, folder: string, above: readonly string[]): Promise<Part[]> {
  const part = await readPart(name, folder);
  const parts: Part[] = [];
  for (const [i, parent] of (part.value.extends ?? []).entries()) {
    if (parent === name || above.includes(parent)) {
      throw new RoseError({
        code: 'RECIPE_INVALID',
        message: `recipe ${name} extends itself`,
        place: part.file.placeOf(['extends', i]),
        actual: [...above, name, parent].join(' extends '),
        expected: 'recipes that extend others without coming back',
        next: 'remove it from extends',
      });
    }
    for (const inherited of await readChain(parent, folder, [...above, name])) {
      if (!parts.some(({ file }) => file.source.file === inherited.file.source.file)) parts.push(inherited);
    }
  }
  return [...parts, part];
}

async function readPart(name: string, folder: string): Promise<Part> {
  const path = join(folder, `${name}.yaml`);
  const shown = relative(packagePath('.'), path).replaceAll('\\', '/');
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new RoseError({
      code: 'RECIPE_INVALID',
      message: `there is no recipe ${name}`,
      place: { file: shown.startsWith('..') ? path : shown },
      next: 'mend the extends that names it',
      cause,
    });
  });
  const file = new YamlFile({ file: shown.startsWith('..') ? path : shown, text });
  file.check(await validator());
  return { file, value: file.value as RecipeFile };
}

let compiled: Promise<ValidateFunction> | undefined;

function validator(): Promise<ValidateFunction> {
  compiled ??= (async () => {
    const { Ajv2020 } = await import('ajv/dist/2020.js');
    const schema = await readFile(packagePath('schemas/model-recipe.schema.json'), 'utf8');
    return new Ajv2020({ allowUnionTypes: true, verbose: true }).compile(JSON.parse(schema) as object);
  })();
  return compiled;
}

type RecipePart = Omit<Recipe, 'modelType' | 'file'>;

function compile(file: YamlFile, value: RecipeFile): RecipePart {
  const { fields = {}, facts = {}, checks = [], needs = [], not_covered: gaps = [] } = value;
  return {
    fields: new Map(Object.entries(fields).map(([name, text]) => [name, fieldDecl(text)])),
    facts: expressions(file, ['facts'], facts),
    checks: checks.map((check, i): Check => ({
      require: expression(file, ['checks', i, 'require'], check.require),
      field: check.field,
      message: template(file, ['checks', i, 'message'], check.message),
    })),
    needs: needs.map((need, i) => compileNeed(file, ['needs', i], need)),
    notCovered: gaps.map(({ op, reason, when }, i): Gap => ({
      op,
      ...(when !== undefined && { when: expression(file, ['not_covered', i, 'when'], when) }),
      reason: template(file, ['not_covered', i, 'reason'], reason),
    })),
  };
}

function compileNeed(file: YamlFile, path: YamlPath, need: NeedFile): Need {
  return {
    kernel: need.kernel,
    dims: expressions(file, [...path, 'dims'], need.dims ?? {}),
    types: expressions(file, [...path, 'types'], need.types ?? {}),
    flags: expressions(file, [...path, 'flags'], need.flags ?? {}),
    ...(need.phases && { phases: need.phases }),
    ...(need.when !== undefined && { when: expression(file, [...path, 'when'], need.when) }),
    reason: template(file, [...path, 'reason'], need.reason),
    place: file.placeOf([...path, 'kernel']),
  };
}

function fieldDecl(text: string): FieldDecl {
  return { kind: text.replace('?', '') as FieldKind, optional: text.endsWith('?') };
}

function expressions(
  file: YamlFile,
  path: YamlPath,
  values: Readonly<Record<string, Scalar>>,
): ReadonlyMap<string, RecipeExpression> {
  return new Map(
    Object.entries(values).map(([name, value]) => [name, expression(file, [...path, name], value)]),
  );
}

function expression(file: YamlFile, path: YamlPath, value: Scalar, offset = 0): RecipeExpression {
  const place: RecipeExpression['place'] = ({ start, length }) => file.placeIn(path, offset + start, length);
  if (typeof value !== 'string') return { tree: { kind: 'constant', value, start: 0, length: 1 }, place };
  const parsed = parseExpression(value);
  if (parsed.ok) return { tree: parsed.expression, place };
  throw new RoseError({
    code: 'RECIPE_INVALID',
    message: `the expression ${JSON.stringify(value)} does not parse`,
    place: place(parsed.problem),
    actual: parsed.problem.actual,
    expected: parsed.problem.expected,
    next: 'mend the recipe',
  });
}

/** `{expression}` in a text is filled in; a brace has no other use there. */
function template(file: YamlFile, path: YamlPath, text: string): Template {
  return [...text.matchAll(/\{([^}]*)\}|[^{]+|\{/g)].map((match) =>
    match[1] === undefined ? match[0] : expression(file, path, match[1], match.index + 1),
  );
}

function merge(modelType: string, parts: readonly RecipePart[], file: string): Recipe {
  return {
    modelType,
    file,
    fields: new Map(parts.flatMap(({ fields }) => [...fields])),
    facts: new Map(parts.flatMap(({ facts }) => [...facts])),
    checks: parts.flatMap(({ checks }) => checks),
    needs: parts.flatMap(({ needs }) => needs),
    notCovered: parts.flatMap(({ notCovered }) => notCovered),
  };
}

/** Raises RECIPE_INVALID where an expression names nothing, or a fact hides a field. */
function checkNames(recipe: Recipe): void {
  const given = new Set<string>([...GIVEN_FACTS, ...DTYPES]);
  for (const [name, fact] of recipe.facts) {
    if (!given.has(name) && !recipe.fields.has(name)) continue;
    throw new RoseError({
      code: 'RECIPE_INVALID',
      message: `the fact ${name} has the name of a field or of a given fact`,
      place: fact.place(fact.tree),
      next: 'give the fact another name',
    });
  }
  const known = new Set([...given, ...recipe.fields.keys(), ...recipe.facts.keys()]);
  for (const { tree, place } of allExpressions(recipe)) {
    const unknown = namesOf(tree).find(({ name }) => !known.has(name));
    if (unknown) throw unknownName(unknown.name, place(unknown), known);
  }
  for (const { field, message } of recipe.checks) {
    const at = message.find((part) => typeof part !== 'string');
    if (!recipe.fields.has(field)) throw unknownName(field, at?.place(at.tree) ?? { file: recipe.file }, known);
  }
}

function unknownName(name: string, place: ReturnType<RecipeExpression['place']>, known: Iterable<string>): RoseError {
  const near = closest(name, known);
  return new RoseError({
    code: 'RECIPE_INVALID',
    message: `${name} is neither a field nor a fact of this recipe`,
    place,
    actual: name,
    expected: 'a name that fields or facts declare',
    next: near === undefined ? `declare ${name} under fields` : `did you mean ${near}?`,
  });
}

function allExpressions(recipe: Recipe): readonly RecipeExpression[] {
  const parts = (text: Template): RecipeExpression[] => text.filter((part) => typeof part !== 'string');
  return [
    ...recipe.facts.values(),
    ...recipe.checks.flatMap(({ require, message }) => [require, ...parts(message)]),
    ...recipe.needs.flatMap(({ dims, types, flags, when, reason }) => [
      ...[dims, types, flags].flatMap((bindings) => [...bindings.values()]),
      ...(when ? [when] : []),
      ...parts(reason),
    ]),
    ...recipe.notCovered.flatMap(({ when, reason }) => [...(when ? [when] : []), ...parts(reason)]),
  ];
}
