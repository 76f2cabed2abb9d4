/**
 * A model and its recipe -> values: config fields checked, facts computed, expressions and texts of the recipe filled in.
 */

import { DTYPES } from '../spec/names.js';
import { RoseError } from '../util/errors.js';
import { evaluate, EvaluationError, type EvaluationProblem } from './evaluate.js';
import { namesOf, type Expression } from './expression.js';
import { plainValue, type JsonTree, type JsonValue } from './json-tree.js';
import { configField, configPlace, type Model } from './model.js';
import type { FieldDecl, GivenFact, RecipeExpression, Template } from './recipe.js';

/** Sizes beyond this are no model's; it keeps every product of two of them exact. */
const MAX_SIZE = 2 ** 24;

const KINDS: Readonly<
  Record<FieldDecl['kind'], { expected: string; matches: (value: JsonValue) => boolean }>
> = {
  size: { expected: `a whole number from 1 to ${MAX_SIZE}`, matches: (value) => whole(value, 1) },
  count: { expected: `a whole number from 0 to ${MAX_SIZE}`, matches: (value) => whole(value, 0) },
  number: { expected: 'a finite number', matches: (value) => Number.isFinite(value) },
  flag: { expected: 'true or false', matches: (value) => typeof value === 'boolean' },
  text: { expected: 'a text', matches: (value) => typeof value === 'string' },
  list: { expected: 'a list', matches: (value) => Array.isArray(value) },
};

function whole(value: JsonValue, least: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= MAX_SIZE;
}

export class Facts {
  private readonly fields: ReadonlyMap<string, JsonValue>;
  private readonly computed = new Map<string, JsonValue>();
  private readonly computing = new Set<string>();

  /** Raises MODEL_CONFIG for the first field that is missing, of the wrong kind or at odds with another. */
  constructor(
    private readonly model: Model,
    private readonly given: Readonly<Record<GivenFact, string | number | boolean>>,
  ) {
    const { fields, facts, checks } = model.recipe;
    this.fields = new Map([...fields].map(([name, decl]) => [name, this.read(name, decl)]));
    for (const fact of facts.values()) this.value(fact);
    for (const { require, field, message } of checks) {
      if (this.truth(require)) continue;
      throw new RoseError({
        code: 'MODEL_CONFIG',
        message: this.text(message),
        place: configPlace(model.config, field),
        actual: this.shown(require.tree),
        next: `mend the fields in ${model.config.source.file}`,
      });
    }
  }

  /** Raises MODEL_CONFIG where the config is at fault, RECIPE_INVALID where the recipe is. */
  value(expression: RecipeExpression): JsonValue {
    try {
      return evaluate(expression.tree, (name, at) => this.lookup(name, at));
    } catch (error) {
      if (error instanceof EvaluationError) throw this.failure(expression, error.problem);
      throw error;
    }
  }

  truth(expression: RecipeExpression): boolean {
    return this.typed(expression, 'true or false', (value) => typeof value === 'boolean');
  }

  number(expression: RecipeExpression): number {
    return this.typed(expression, 'a number', (value) => typeof value === 'number');
  }

  word(expression: RecipeExpression): string {
    return this.typed(expression, 'a text', (value) => typeof value === 'string');
  }

  /** A text of the recipe with its expressions filled in. */
  text(template: Template): string {
    return template
      .map((part) => (typeof part === 'string' ? part : showValue(this.value(part))))
      .join('')
      .trim();
  }

  private typed<T extends JsonValue>(
    expression: RecipeExpression,
    expected: string,
    matches: (value: JsonValue) => value is T,
  ): T {
    const value = this.value(expression);
    if (matches(value)) return value;
    const at = expression.tree;
    const fault = value === null ? 'config' : 'recipe';
    const what =
      value === null ? `the config has no ${this.fieldsBehind(at).join(', ')}` : 'a value of the wrong kind';
    throw this.failure(expression, { fault, at, message: what, actual: showValue(value), expected });
  }

  private read(name: string, { kind, optional }: FieldDecl): JsonValue {
    const tree = configField(this.model.config, name);
    const value = tree ? plainValue(tree) : null;
    if (value === null && optional) return null;
    if (value !== null && KINDS[kind].matches(value)) return value;
    const { file } = this.model.config.source;
    throw new RoseError({
      code: 'MODEL_CONFIG',
      message: tree ? `${name} is not ${KINDS[kind].expected}` : `the config has no ${name}`,
      place: configPlace(this.model.config, name),
      actual: tree ? showTree(tree) : 'no such field',
      expected: `"${name}": ${KINDS[kind].expected}`,
      next: `${tree ? 'mend' : 'add'} the field in ${file}: a ${this.model.modelType} model has it`,
    });
  }

  private lookup(name: string, at: Expression): JsonValue {
    const field = this.fields.get(name);
    if (field !== undefined) return field;
    if (Object.hasOwn(this.given, name)) return this.given[name as GivenFact];
    const fact = this.model.recipe.facts.get(name);
    if (fact) return this.fact(name, fact, at);
    if (DTYPES.some((dtype) => dtype === name)) return name;
    throw new Error(`a recipe names ${name}, which was to be refused when it was loaded`);
  }

  private fact(name: string, fact: RecipeExpression, at: Expression): JsonValue {
    const known = this.computed.get(name);
    if (known !== undefined) return known;
    if (this.computing.has(name)) {
      const message = `the fact ${name} depends on itself`;
      throw new EvaluationError({
        fault: 'recipe',
        at,
        message,
        actual: name,
        expected: 'facts that come from fields',
      });
    }
    this.computing.add(name);
    const value = this.value(fact);
    this.computing.delete(name);
    this.computed.set(name, value);
    return value;
  }

  private failure(expression: RecipeExpression, problem: EvaluationProblem): RoseError {
    const { fault, at, message, actual, expected } = problem;
    const field = this.fieldsBehind(at).find((name) => configField(this.model.config, name));
    return fault === 'recipe'
      ? new RoseError({
          code: 'RECIPE_INVALID',
          message,
          place: expression.place(at),
          actual,
          expected,
          next: 'mend the recipe',
        })
      : new RoseError({
          code: 'MODEL_CONFIG',
          message,
          place: configPlace(this.model.config, field),
          actual,
          expected,
          next: `mend the fields in ${this.model.config.source.file}`,
        });
  }

  /** The fields that an expression comes from, through facts. */
  private fieldsBehind(expression: Expression, seen: readonly string[] = []): readonly string[] {
    const names = namesOf(expression).flatMap(({ name }) => {
      const fact = this.model.recipe.facts.get(name);
      if (!fact) return [name];
      return seen.includes(name) ? [] : this.fieldsBehind(fact.tree, [...seen, name]);
    });
    return [...new Set(names)];
  }

  private shown(expression: Expression): string {
    return this.fieldsBehind(expression)
      .map((name) => `${name} ${showValue(this.fields.get(name) ?? null)}`)
      .join(', ');
  }
}

function showValue(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function showTree(tree: JsonTree): string {
  if (tree.kind === 'list') return `a list of ${tree.items.length}`;
  if (tree.kind === 'object') return 'an object';
  return typeof tree.value === 'number' ? String(tree.value) : JSON.stringify(tree.value).slice(0, 80);
}
