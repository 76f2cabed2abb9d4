/**
 * A model's name or path -> Model: its config, the recipe of its model_type, and what its folder says about pooling.
 *
 * A multimodal config is unwrapped: the model is the language model of its `text_config`, with the wrapper's dtype and
 * quantisation.
 */

import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { SourceText } from '../spec/source-text.js';
import { RoseError, closest, type Place } from '../util/errors.js';
import { packagePath } from '../util/package-root.js';
import { errorCode, errorMessage } from '../util/system-error.js';
import { placeAt } from './config-place.js';
import { parseJson, type JsonObject, type JsonTree } from './json-tree.js';
import { knownModelTypes, loadRecipe } from './load-recipe.js';
import { readPooling, type Pooling } from './pooling.js';
import type { Recipe } from './recipe.js';

export interface Model {
  /** Known name, or name of the folder that the config lies in. */
  readonly name: string;
  readonly modelType: string;
  readonly config: ModelConfig;
  readonly recipe: Recipe;
  /** How a sentence-transformers model makes one vector of a text; absent for a model that generates. */
  readonly pooling?: Pooling;
}

/** The fields of the language model, with their places. */
export interface ModelConfig {
  readonly source: SourceText;
  readonly fields: JsonObject;
  /** The config that `fields` was unwrapped from. */
  readonly wrapper?: JsonObject;
}

/** The tree of a field, also of one inside another (`rope_parameters.rope_theta`); undefined where it is absent. */
export function configField({ fields }: ModelConfig, path: string): JsonTree | undefined {
  let tree: JsonTree | undefined = fields;
  for (const name of path.split('.')) tree = tree?.kind === 'object' ? tree.fields.get(name) : undefined;
  return tree;
}

/** Place of a field; where it is absent, of the object it should be in. */
export function configPlace(config: ModelConfig, path?: string): Place {
  const field = path === undefined ? undefined : configField(config, path);
  if (field) return placeAt(config.source, field.offset, field.length);
  return config.wrapper ? placeAt(config.source, config.fields.offset) : { file: config.source.file };
}

/** Larger files are not configurations; weights given by mistake, for instance. */
const MAX_BYTES = 8 * 2 ** 20;

/**
 * `nameOrPath` is a known name in any case (`qwen3-8b`), a config.json, or a folder that holds one.
 * Raises MODEL_UNKNOWN where there is no such model or no recipe for its model_type, and MODEL_CONFIG with line and
 * column where the config cannot be read.
 */
export async function loadModel(nameOrPath: string): Promise<Model> {
  const names = await knownModels();
  const known = names.find((name) => name === nameOrPath.trim().toLowerCase());
  const file =
    known === undefined ? await findConfig(nameOrPath, names) : packagePath(`models/${known}/config.json`);
  const shown = known === undefined ? file : `models/${known}/config.json`;
  const pooling = await readPooling(dirname(file));
  return parseModel({
    name: known ?? basename(dirname(resolve(file))),
    source: new SourceText(shown, await readText(file)),
    ...(pooling && { pooling }),
  });
}

/** The models of `models/`, sorted. */
export async function knownModels(): Promise<readonly string[]> {
  const entries = await readdir(packagePath('models'), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== 'types')
    .map(({ name }) => name)
    .sort();
}

/** The text of a config.json -> Model. Raises as `loadModel` does. */
export async function parseModel({
  name,
  source,
  pooling,
}: {
  readonly name: string;
  readonly source: SourceText;
  readonly pooling?: Pooling;
}): Promise<Model> {
  const config = unwrap(source, parseJson(source));
  const modelType = await readModelType(config);
  const recipe = await loadRecipe(modelType);
  return { name, modelType, config, recipe, ...(pooling && { pooling }) };
}

/** What a wrapper says of the whole model and its text_config need not repeat. */
const OF_THE_WHOLE = ['torch_dtype', 'dtype', 'quantization_config', 'tie_word_embeddings'];

function unwrap(source: SourceText, tree: JsonTree): ModelConfig {
  if (tree.kind !== 'object') {
    throw new RoseError({
      code: 'MODEL_CONFIG',
      message: `${source.file} holds no object`,
      place: placeAt(source, tree.offset),
      actual: tree.kind === 'list' ? 'a list' : 'a single value',
      expected: 'a Hugging Face config: { "model_type": ... }',
      next: "give the path of a model's config.json",
    });
  }
  const text = tree.fields.get('text_config');
  if (text?.kind !== 'object') return { source, fields: tree };
  const whole = OF_THE_WHOLE.flatMap((name) => {
    const field = tree.fields.get(name);
    return field ? [[name, field] as const] : [];
  });
  const type = [...tree.fields].filter(([name]) => name === 'model_type');
  return { source, fields: { ...text, fields: new Map([...type, ...text.fields, ...whole]) }, wrapper: tree };
}

async function readModelType(config: ModelConfig): Promise<string> {
  const types = await knownModelTypes();
  const field = configField(config, 'model_type');
  if (field?.kind !== 'scalar' || typeof field.value !== 'string') {
    throw new RoseError({
      code: 'MODEL_CONFIG',
      message: field ? 'model_type is not a text' : 'the config has no model_type',
      place: configPlace(config, 'model_type'),
      expected: `"model_type": one of ${types.join(', ')}`,
      next: "add the model_type that the model's own config.json has",
    });
  }
  if (types.includes(field.value)) return field.value;
  const near = closest(field.value, types);
  throw new RoseError({
    code: 'MODEL_UNKNOWN',
    message: `there is no recipe for the model type ${JSON.stringify(field.value)}`,
    place: configPlace(config, 'model_type'),
    actual: field.value,
    expected: `one of ${types.join(', ')}`,
    next:
      near === undefined
        ? 'add a recipe for it under models/types/, or choose a model of a known type'
        : `did you mean ${near}?`,
  });
}

async function findConfig(path: string, names: readonly string[]): Promise<string> {
  const found = await statOf(path);
  if (!found) throw unknownModel(path, names);
  if (!found.isDirectory()) return path;
  const file = join(path, 'config.json');
  if (await statOf(file)) return file;
  throw new RoseError({
    code: 'MODEL_UNKNOWN',
    message: `the folder ${path} holds no config.json`,
    place: { file },
    next: 'give the folder that the model was downloaded to, or the path of its config.json',
  });
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EINVAL', 'ENAMETOOLONG'].includes(errorCode(error) ?? '')) return undefined;
    if (errorCode(error) === 'ERR_INVALID_ARG_VALUE') return undefined;
    throw unreadable(path, error);
  }
}

async function readText(file: string): Promise<string> {
  const found = await statOf(file);
  if (found && found.size > MAX_BYTES) {
    throw new RoseError({
      code: 'MODEL_CONFIG',
      message: `${file} is too large for a configuration`,
      place: { file },
      actual: `${found.size} bytes`,
      expected: `at most ${MAX_BYTES} bytes`,
      next: "give the path of the model's config.json",
    });
  }
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw unreadable(file, error);
  });
}

function unreadable(file: string, error: unknown): RoseError {
  return new RoseError({
    code: 'MODEL_CONFIG',
    message: `${file} cannot be read`,
    place: { file },
    actual: errorMessage(error),
    next: 'check the path and its permissions',
    cause: error,
  });
}

function unknownModel(path: string, names: readonly string[]): RoseError {
  // `Qwen/Qwen3-8B` is how the hub writes it.
  const near = closest(basename(path), names);
  return new RoseError({
    code: 'MODEL_UNKNOWN',
    message: `${JSON.stringify(path)} is neither a known model nor a path`,
    actual: path,
    expected: `one of ${names.join(', ')}, a config.json or a folder that holds one`,
    next: near === undefined ? "give the path of the model's config.json" : `did you mean ${near}?`,
  });
}
