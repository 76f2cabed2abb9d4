/** Text of a manifest -> a checked `Manifest`, or one clear error. The schema validator is loaded on first use. */

import { readFile } from 'node:fs/promises';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { RoseError, type RoseErrorInit } from '../util/errors.js';
import { packagePath } from '../util/package-root.js';
import { errorCode, errorMessage } from '../util/system-error.js';
import { findManifestProblem } from './manifest-check.js';
import { MANIFEST_SCHEMA, type Manifest } from './manifest.js';

const REBUILD = 'build it again with `rose-gen build`';

/** Reads and checks a manifest file. Raises MANIFEST_INVALID. */
export async function readManifest(path: string): Promise<Manifest> {
  let text;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const missing = errorCode(error) === 'ENOENT';
    throw invalid(path, {
      message: missing ? 'there is no manifest here' : 'the manifest cannot be read',
      actual: missing ? 'no such file' : errorMessage(error),
      next: missing
        ? 'name the folder that a build wrote, or run `rose-gen build` first'
        : 'make the file readable',
      cause: error,
    });
  }
  return parseManifest(text, path);
}

/** Checks the text of a manifest; `file` names it in errors. Raises MANIFEST_INVALID. */
export async function parseManifest(text: string, file: string): Promise<Manifest> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(file, {
      message: 'the manifest is not JSON: it is damaged or was cut off',
      actual: errorMessage(error),
      next: REBUILD,
      cause: error,
    });
  }
  const version = typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined;
  if (version !== MANIFEST_SCHEMA) throw otherVersion(file, version);

  const validate = await manifestValidator();
  if (!validate(value)) {
    const error = deepest(validate.errors ?? []);
    throw invalid(file, {
      message: 'the manifest does not match its schema',
      actual:
        `${error?.instancePath === '' ? 'the manifest' : error?.instancePath} ${error?.message ?? ''}`.trim(),
      expected: 'schemas/manifest.schema.json',
      next: REBUILD,
    });
  }
  const problem = findManifestProblem(value);
  if (problem) {
    throw invalid(file, {
      message: `the manifest contradicts itself at ${problem.where}`,
      actual: problem.actual,
      expected: problem.expected,
      next: REBUILD,
    });
  }
  return value;
}

function otherVersion(file: string, version: unknown): RoseError {
  const newer = typeof version === 'number' && version > MANIFEST_SCHEMA;
  return invalid(file, {
    message: 'the manifest is of another version',
    actual: version === undefined ? 'no schema version' : `schema ${JSON.stringify(version)}`,
    expected: `schema ${MANIFEST_SCHEMA}`,
    next: newer ? 'update rose-gen, or build the library again with this version' : REBUILD,
  });
}

function invalid(file: string, init: Omit<RoseErrorInit, 'code' | 'place'>): RoseError {
  return new RoseError({ code: 'MANIFEST_INVALID', place: { file }, ...init });
}

/** The error that lies deepest in the document says most. */
function deepest(errors: readonly ErrorObject[]): ErrorObject | undefined {
  const depth = (error: ErrorObject): number => error.instancePath.split('/').length;
  return [...errors].sort((a, b) => depth(b) - depth(a))[0];
}

let validator: Promise<ValidateFunction<Manifest>> | undefined;

function manifestValidator(): Promise<ValidateFunction<Manifest>> {
  validator ??= (async () => {
    const { Ajv2020 } = await import('ajv/dist/2020.js');
    const schema: unknown = JSON.parse(await readFile(packagePath('schemas/manifest.schema.json'), 'utf8'));
    const ajv = new Ajv2020({
      strict: true,
      strictTypes: false,
      strictRequired: false,
      allowUnionTypes: true,
      discriminator: true,
    });
    return ajv.compile<Manifest>(schema as object);
  })();
  return validator;
}
