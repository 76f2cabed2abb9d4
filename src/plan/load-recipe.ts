/** Recipe files -> Recipe: read, checked against the schema, merged along `extends`, expressions parsed and resolved. */

import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Path, YamlDocument } from '../spec/yaml-document.js';
import { DTYPES } from '../spec/names.js';
import { RoseError, closest, type Place } from '../util/errors.js';
import { packagePath } from '../util/package-root.js';
import { namesOf, parseExpression } from './expression.js';
import {
  GIVEN_FACTS,
  type Check,
  type FieldDecl,
  type FieldKind,
  type Gap,
  type Need,
  type Recipe,
  type RecipeExpression,
  type Template,
} from './recipe.js';
import { readRecipeFile, type NeedFile, type RecipeDocument, type ScalarValue } from './recipe-file.js';

/** Model types with a recipe, sorted. A file whose name begins with `_` is only extended. */
export async function knownModelTypes(folder = packagePath('models/types')): Promise<readonly string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => name.endsWith('.yaml') && !name.startsWith('_'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();
}

/** Raises RECIPE_INVALID with the place in the recipe. `modelType` is one of `knownModelTypes`. */
export async function loadRecipe(modelType: string, folder = packagePath('models/types')): Promise<Recipe> {
  const parts = await readChain(modelType, folder, []);
  const recipe = merge(modelType, parts.map(compile), parts.at(-1)!.document.source.file);
  checkNames(recipe);
  return recipe;
}

/** The files a recipe is made of, those it extends first; one that is reached twice counts once. */
async function readChain(name: string, folder: string, above: readonly string[]): Promise<RecipeDocument[]> {
  const part = await readPart(name, folder);
  const parts: RecipeDocument[] = [];
  for (const [i, parent] of (part.value.extends ?? []).entries()) {
    if (parent === name || above.includes(parent)) {
      throw new RoseError({
        code: 'RECIPE_INVALID',
        message: `recipe ${name} extends itself`,
        place: part.document.place(['extends', i]),
        actual: [...above, name, parent].join(' extends '),
        expected: 'recipes that extend others without coming back',
        next: 'remove it from extends',
      });
    }
    for (const inherited of await readChain(parent, folder, [...above, name])) {
      if (!parts.some(({ document }) => document.source.file === inherited.document.source.file))
        parts.push(inherited);
    }
  }
  return [...parts, part];
}

async function readPart(name: string, folder: string): Promise<RecipeDocument> {
  const path = join(folder, `${name}.yaml`);
  const inside = relative(packagePath('.'), path).replaceAll('\\', '/');
  const file = inside.startsWith('..') ? path : inside;
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new RoseError({
      code: 'RECIPE_INVALID',
      message: `there is no recipe ${name}`,
      place: { file },
      next: 'mend the extends that names it',
      cause,
    });
  });
  return readRecipeFile(text, file);
}

type RecipePart = Omit<Recipe, 'modelType' | 'file'>;

function compile({ document, value }: RecipeDocument): RecipePart {
  const { fields = {}, facts = {}, phases = {}, checks = [], needs = [], not_covered: gaps = [] } = value;
  return {
    fields: new Map(Object.entries(fields).map(([name, text]) => [name, fieldDecl(text)])),
    facts: expressions(document, ['facts'], facts),
    phases: expressions(document, ['phases'], phases),
    checks: checks.map((check, i): Check => ({
      require: expression(document, ['checks', i, 'require'], check.require),
      field: check.field,
      place: document.place(['checks', i, 'field']),
      message: template(document, ['checks', i, 'message'], check.message),
    })),
    needs: needs.map((need, i) => compileNeed(document, ['needs', i], need)),
    notCovered: gaps.map(({ op, reason, when }, i): Gap => ({
      op,
      ...(when !== undefined && { when: expression(document, ['not_covered', i, 'when'], when) }),
      reason: template(document, ['not_covered', i, 'reason'], reason),
    })),
  };
}

function compileNeed(document: YamlDocument, path: Path, need: NeedFile): Need {
  return {
    kernel: template(document, [...path, 'kernel'], need.kernel),
    dims: expressions(document, [...path, 'dims'], need.dims ?? {}),
    types: expressions(document, [...path, 'types'], need.types ?? {}),
    flags: expressions(document, [...path, 'flags'], need.flags ?? {}),
    ...(need.phases && { phases: need.phases }),
    ...(need.when !== undefined && { when: expression(document, [...path, 'when'], need.when) }),
    reason: template(document, [...path, 'reason'], need.reason),
    place: document.place([...path, 'kernel']),
  };
}

function fieldDecl(text: string): FieldDecl {
  return { kind: text.replace('?', '') as FieldKind, optional: text.endsWith('?') };
}

function expressions(
  document: YamlDocument,
  path: Path,
  values: Readonly<Record<string, ScalarValue>>,
): ReadonlyMap<string, RecipeExpression> {
  return new Map(
    Object.entries(values).map(([name, value]) => [name, expression(document, [...path, name], value)]),
  );
}

function expression(document: YamlDocument, path: Path, value: ScalarValue, offset = 0): RecipeExpression {
  const place: RecipeExpression['place'] = ({ start, length }) =>
    document.excerpt(path).place(offset + start, offset + start + length);
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
function template(document: YamlDocument, path: Path, text: string): Template {
  return [...text.matchAll(/\{([^}]*)\}|[^{]+|\{/g)].map((match) =>
    match[1] === undefined ? match[0] : expression(document, path, match[1], match.index + 1),
  );
}

function merge(modelType: string, parts: readonly RecipePart[], file: string): Recipe {
  return {
    modelType,
    file,
    fields: new Map(parts.flatMap(({ fields }) => [...fields])),
    facts: new Map(parts.flatMap(({ facts }) => [...facts])),
    phases: new Map(parts.flatMap(({ phases }) => [...phases])),
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
  for (const { field, place } of recipe.checks) {
    if (!recipe.fields.has(field)) throw unknownName(field, place, recipe.fields.keys());
  }
}

function unknownName(name: string, place: Place, known: Iterable<string>): RoseError {
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
    ...recipe.phases.values(),
    ...recipe.checks.flatMap(({ require, message }) => [require, ...parts(message)]),
    ...recipe.needs.flatMap(({ kernel, dims, types, flags, when, reason }) => [
      ...parts(kernel),
      ...[dims, types, flags].flatMap((bindings) => [...bindings.values()]),
      ...(when ? [when] : []),
      ...parts(reason),
    ]),
    ...recipe.notCovered.flatMap(({ when, reason }) => [...(when ? [when] : []), ...parts(reason)]),
  ];
}
