/**
 * A sentence-transformers folder -> how token vectors become the vector of a text.
 *
 * Beside config.json such a folder holds modules.json, the list of modules a text passes through, and a folder with the
 * pooling module's own config.json (`1_Pooling`).
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceText } from '../spec/source-text.js';
import { RoseError } from '../util/errors.js';
import { errorCode, errorMessage } from '../util/system-error.js';
import { parseJson, plainValue, type JsonValue } from './json-tree.js';

export interface Pooling {
  /** `other`: several modes at once, or one that is none of these. */
  readonly mode: 'mean' | 'last' | 'cls' | 'max' | 'other';
  /** Whether the pooled vector is scaled to length 1. */
  readonly normalize: boolean;
  /** Modules after pooling that are neither pooling nor normalisation, such as a dense layer. */
  readonly extra: readonly string[];
}

const MODES: Readonly<Record<string, Pooling['mode']>> = {
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_lasttoken: 'last',
  pooling_mode_cls_token: 'cls',
  pooling_mode_max_tokens: 'max',
};

/** Undefined where the folder has no modules.json. Raises MODEL_CONFIG for files that cannot be understood. */
export async function readPooling(folder: string): Promise<Pooling | undefined> {
  const modules = await readJson(join(folder, 'modules.json'));
  if (modules === undefined) return undefined;
  const listed = (Array.isArray(modules) ? (modules as readonly JsonValue[]) : []).map((module) => ({
    type: textField(module, 'type').split('.').at(-1)!,
    path: textField(module, 'path'),
  }));
  const pooling = listed.find(({ type }) => type === 'Pooling');
  if (!pooling) return undefined;
  if (pooling.path.split(/[\\/]/).includes('..')) throw misplaced(folder, pooling.path);
  const config = await readJson(join(folder, pooling.path, 'config.json'));
  return {
    mode: poolingMode(config),
    normalize: listed.some(({ type }) => type === 'Normalize'),
    extra: listed
      .map(({ type }) => type)
      .filter((type) => !['Transformer', 'Pooling', 'Normalize'].includes(type)),
  };
}

function poolingMode(config: JsonValue | undefined): Pooling['mode'] {
  const chosen = Object.entries(isRecord(config) ? config : {})
    .filter(([name, value]) => name.startsWith('pooling_mode_') && value === true)
    .map(([name]) => name);
  const [only] = chosen;
  return chosen.length === 1 && only !== undefined && Object.hasOwn(MODES, only) ? MODES[only]! : 'other';
}

async function readJson(file: string): Promise<JsonValue | undefined> {
  try {
    return plainValue(parseJson(new SourceText(file, await readFile(file, 'utf8'))));
  } catch (error) {
    if (error instanceof RoseError) throw error;
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw new RoseError({
      code: 'MODEL_CONFIG',
      message: `${file} cannot be read`,
      place: { file },
      actual: errorMessage(error),
      next: 'check its permissions',
      cause: error,
    });
  }
}

function textField(value: JsonValue, name: string): string {
  const field = isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof field === 'string' ? field : '';
}

function isRecord(value: JsonValue | undefined): value is Readonly<Record<string, JsonValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function misplaced(folder: string, path: string): RoseError {
  return new RoseError({
    code: 'MODEL_CONFIG',
    message: 'the pooling module lies outside the model folder',
    place: { file: join(folder, 'modules.json') },
    actual: path,
    expected: "a folder inside the model's own",
    next: 'mend modules.json',
  });
}
