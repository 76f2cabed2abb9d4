/**
 * The manifest of a build folder -> what the runtime works with, checked by hand: a serving process loads no schema
 * validator. What variants are found by is checked at once, the rest of a variant when it is first used.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findManifestProblem } from '../../device/manifest-check.js';
import { MANIFEST_FILE, MANIFEST_SCHEMA, type Manifest, type VariantEntry } from '../../device/manifest.js';
import { RoseError } from '../../util/errors.js';
import { errorCode, errorMessage } from '../../util/system-error.js';

const REBUILD = 'build the library again with `rose-gen build`';

/** Raises MANIFEST_INVALID. */
export async function readLibraryManifest(folder: string): Promise<Manifest> {
  const file = join(folder, MANIFEST_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const none = errorCode(error) === 'ENOENT';
    throw invalid(
      file,
      'there is no library here',
      none ? 'no such file' : errorMessage(error),
      MANIFEST_FILE,
      {
        next: 'name the folder that a build wrote, or run `rose-gen build` first',
        cause: error,
      },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(file, 'the manifest is damaged', errorMessage(error), 'JSON', { cause: error });
  }
  return checkManifest(value, file);
}

/** Raises MANIFEST_INVALID. */
export function checkManifest(value: unknown, file: string): Manifest {
  const version = fieldOf(value, 'schema');
  if (version !== MANIFEST_SCHEMA) {
    const newer = typeof version === 'number' && version > MANIFEST_SCHEMA;
    throw invalid(
      file,
      'the manifest is of another version',
      `schema ${String(version)}`,
      `schema ${MANIFEST_SCHEMA}`,
      {
        ...(newer && { next: 'update the runtime, or build the library again with this version' }),
      },
    );
  }
  const problem = malformed(MANIFEST, value);
  if (problem !== undefined) throw damaged(file, problem);
  return value as Manifest;
}

/** Checks all of one variant, at its first use. Raises MANIFEST_INVALID. */
export function checkVariant(manifest: Manifest, variant: VariantEntry, folder: string): void {
  const file = join(folder, MANIFEST_FILE);
  const problem = malformed(VARIANT, variant);
  if (problem !== undefined) throw damaged(file, `${variant.id}${problem}`);
  const contradiction = findManifestProblem({ ...manifest, variants: [variant] });
  if (!contradiction) return;
  const { where, actual, expected } = contradiction;
  throw invalid(file, `the manifest contradicts itself at ${where}`, actual, expected);
}

function damaged(file: string, place: string): RoseError {
  const expected = 'a manifest as a build writes it';
  return invalid(file, 'the manifest is damaged', `another thing at ${place}`, expected);
}

/** The form of a value: a type of JSON, a list of one form, a record of one form, or fields. */
type Form =
  | 'string'
  | 'number'
  | 'boolean'
  | 'path'
  | 'any'
  | { readonly list: Form; readonly length?: number }
  | { readonly record: Form }
  | { readonly fields: Readonly<Record<string, Form>> };

const text = { list: 'string' } as const;
const kind = { fields: { kind: 'string' } } as const;
const file = { fields: { path: 'path', sha256: 'string', bytes: 'number' } } as const;
const extent3 = { list: 'number', length: 3 } as const;

const VARIANT: Form = {
  fields: {
    id: 'string',
    kernel: 'string',
    arch: 'string',
    phase: 'string',
    entry: 'string',
    dims: { record: 'any' },
    types: { record: 'string' },
    flags: { record: 'any' },
    tensors: {
      list: {
        fields: {
          name: 'string',
          dtype: 'string',
          shape: { list: kind },
          strides: { list: kind },
          alignment: 'number',
        },
      },
    },
    params: {
      list: { fields: { name: 'string', kind: 'string', offset: 'number', size: 'number', source: kind } },
    },
    launch: {
      fields: {
        grid: { list: kind, length: 3 },
        block: extent3,
        cluster: extent3,
        sharedMemoryBytes: 'number',
        pdl: 'boolean',
        cooperative: 'boolean',
      },
    },
    guards: { list: kind },
    files: { fields: { ptx: file, cubin: file } },
    reasons: text,
  },
};

/** What a variant is found by. */
const HEADING: Form = {
  fields: {
    id: 'string',
    kernel: 'string',
    arch: 'string',
    phase: 'string',
    dims: { record: 'any' },
    types: { record: 'string' },
    flags: { record: 'any' },
    launch: { fields: { pdl: 'boolean' } },
  },
};

const MANIFEST: Form = {
  fields: {
    archs: text,
    toolchain: { fields: { minimumDriver: 'string' } },
    variants: { list: HEADING },
  },
};

/** Path of the first thing that does not have the form; `''` is the value itself. */
function malformed(form: Form, value: unknown): string | undefined {
  if (typeof form === 'string') {
    if (form === 'any') return undefined;
    if (form === 'path') return isInside(value) ? undefined : '';
    return typeof value === form ? undefined : '';
  }
  if ('list' in form) {
    if (!Array.isArray(value) || (form.length !== undefined && value.length !== form.length)) return '';
    for (let i = 0; i < value.length; i++) {
      const problem = malformed(form.list, value[i]);
      if (problem !== undefined) return `/${i}${problem}`;
    }
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return '';
  const members = 'record' in form ? value : form.fields;
  for (const name in members) {
    const member = 'record' in form ? form.record : form.fields[name]!;
    const problem = malformed(member, fieldOf(value, name));
    if (problem !== undefined) return `/${name}${problem}`;
  }
  return undefined;
}

/** Whether it is a path that stays in the folder. */
function isInside(value: unknown): boolean {
  return typeof value === 'string' && !/^([/\\]|[A-Za-z]:)|(^|[/\\])\.\.([/\\]|$)/.test(value);
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function invalid(
  file: string,
  message: string,
  actual: string,
  expected: string,
  extra: { readonly next?: string; readonly cause?: unknown } = {},
): RoseError {
  return new RoseError({
    code: 'MANIFEST_INVALID',
    message,
    place: { file },
    actual,
    expected,
    next: REBUILD,
    ...extra,
  });
}
