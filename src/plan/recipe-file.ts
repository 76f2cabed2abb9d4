/** Text of a recipe -> its YAML, checked against schemas/model-recipe.schema.json. */

import { readFile } from 'node:fs/promises';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { readYaml, type YamlDocument } from '../spec/yaml-document.js';
import { RoseError, closest } from '../util/errors.js';
import { packagePath } from '../util/package-root.js';
import type { Phase } from './recipe.js';

/** A recipe as the schema lets it through. */
export interface RecipeFile {
  readonly extends?: readonly string[];
  readonly fields?: Readonly<Record<string, string>>;
  readonly facts?: Readonly<Record<string, ScalarValue>>;
  readonly phases?: Readonly<Record<string, ScalarValue>>;
  readonly checks?: readonly {
    readonly require: ScalarValue;
    readonly field: string;
    readonly message: string;
  }[];
  readonly needs?: readonly NeedFile[];
  readonly not_covered?: readonly {
    readonly op: string;
    readonly reason: string;
    readonly when?: ScalarValue;
  }[];
}

export interface NeedFile {
  readonly kernel: string;
  readonly dims?: Readonly<Record<string, ScalarValue>>;
  readonly types?: Readonly<Record<string, ScalarValue>>;
  readonly flags?: Readonly<Record<string, ScalarValue>>;
  readonly phases?: readonly Phase[];
  readonly when?: ScalarValue;
  readonly reason: string;
}

/** An expression as YAML holds it: text, or a number or boolean that stands for itself. */
export type ScalarValue = string | number | boolean;

export interface RecipeDocument {
  readonly document: YamlDocument;
  readonly value: RecipeFile;
}

/** Raises RECIPE_INVALID with line and column. */
export async function readRecipeFile(text: string, file: string): Promise<RecipeDocument> {
  const document = readDocument(text, file);
  const validate = await validator();
  if (!validate(document.value)) throw schemaError(document, validate.errors ?? []);
  return { document, value: document.value as RecipeFile };
}

function readDocument(text: string, file: string): YamlDocument {
  try {
    return readYaml(text, file);
  } catch (error) {
    if (!(error instanceof RoseError)) throw error;
    throw new RoseError({
      ...error.toJSON(),
      code: 'RECIPE_INVALID',
      message: 'the recipe is not plain YAML',
      cause: error,
    });
  }
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

function schemaError(document: YamlDocument, errors: readonly ErrorObject[]): RoseError {
  // The deepest error says most.
  const depth = ({ instancePath }: ErrorObject): number => instancePath.split('/').length;
  const error = [...errors].sort((a, b) => depth(b) - depth(a))[0]!;
  const params = error.params as Readonly<Record<string, unknown>>;
  const path = error.instancePath.split('/').slice(1).map(pathSegment);
  const unknown = params['additionalProperty'];
  if (typeof unknown === 'string') return unknownField(document, [...path, unknown], error);
  const allowed = params['allowedValues'];
  return new RoseError({
    code: 'RECIPE_INVALID',
    message: `${path.length === 0 ? 'the recipe' : path.join('.')} does not match the schema`,
    place: document.place(path),
    actual: JSON.stringify(error.data) ?? 'nothing',
    expected: Array.isArray(allowed) ? `one of ${allowed.join(', ')}` : (error.message ?? error.keyword),
    next: 'compare it with schemas/model-recipe.schema.json',
  });
}

function unknownField(
  document: YamlDocument,
  path: readonly (string | number)[],
  error: ErrorObject,
): RoseError {
  const name = String(path.at(-1));
  const known = Object.keys((error.parentSchema?.['properties'] ?? {}) as object);
  const near = closest(name, known);
  return new RoseError({
    code: 'RECIPE_INVALID',
    message: `a recipe has no field ${JSON.stringify(name)} here`,
    place: document.keyPlace(path),
    actual: path.join('.'),
    expected: `one of ${known.join(', ')}`,
    next: near === undefined ? 'remove it' : `did you mean ${near}?`,
  });
}

/** A step of a JSON pointer; a number indexes a list (no field name of a recipe is a number). */
function pathSegment(segment: string): string | number {
  return /^\d+$/.test(segment) ? Number(segment) : segment.replaceAll('~1', '/').replaceAll('~0', '~');
}
