/** Plain data -> a `KernelDefinition`, checked against schemas/spec.schema.json; the first thing wrong becomes one error. */

import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { closest, RoseError } from '../util/errors.js';
import { packagePath } from '../util/package-root.js';
import type { KernelDefinition } from './definition.js';
import { quote } from './names.js';
import type { Path, YamlDocument } from './yaml-document.js';

let compiled: ValidateFunction<KernelDefinition> | undefined;

function validator(): ValidateFunction<KernelDefinition> {
  if (!compiled) {
    const schema = JSON.parse(readFileSync(packagePath('schemas/spec.schema.json'), 'utf8')) as object;
    const ajv = new Ajv({ allErrors: true, verbose: true, strictTypes: false, strictRequired: false });
    compiled = ajv.compile<KernelDefinition>(schema);
  }
  return compiled;
}

/** Raises SPEC_SCHEMA with the place of the field. */
export function validate(document: YamlDocument): KernelDefinition {
  const check = validator();
  const { value } = document;
  if (check(value)) return value;
  const errors = check.errors ?? [];
  // A misspelt field is also a missing one: the misspelling says more.
  const error =
    errors.find(({ keyword }) => keyword === 'additionalProperties') ??
    errors.find(({ keyword }) => keyword === 'required') ??
    errors.find(({ keyword }) => keyword !== 'if')!;
  throw schemaError(document, error);
}

function schemaError(document: YamlDocument, error: ErrorObject): RoseError {
  const path = pathOf(error.instancePath, document.value);
  const field = path.length === 0 ? 'the spec' : quoteField(path);
  const params = error.params as Readonly<Record<string, unknown>>;
  const place = document.place(path);
  const code = 'SPEC_SCHEMA';
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys((error.parentSchema?.['properties'] ?? {}) as object);
      const near = closest(key, known);
      return new RoseError({
        code,
        message: `${field} has no field ${quote(key)}`,
        place: document.keyPlace([...path, key]),
        actual: quote(key),
        expected: `one of ${known.join(', ')}`,
        next: near === undefined ? 'remove it' : `did you mean ${near}?`,
      });
    }
    case 'required': {
      const missing = String(params['missingProperty']);
      return new RoseError({
        code,
        message: `${field} lacks ${missing}`,
        place: path.length === 0 ? place : document.keyPlace(path),
        actual: `no ${missing}`,
        expected: `a field ${missing}`,
        next: `add \`${missing}:\``,
      });
    }
    case 'enum': {
      const allowed = (params['allowedValues'] as readonly unknown[]).map(String);
      const near = typeof error.data === 'string' ? closest(error.data, allowed) : undefined;
      return new RoseError({
        code: allowed.includes('f32') ? 'SPEC_DTYPE' : code,
        message: `${field} cannot be ${show(error.data)}`,
        place,
        actual: show(error.data),
        expected: `one of ${allowed.join(', ')}`,
        next: near === undefined ? 'write one of these' : `did you mean ${near}?`,
      });
    }
    case 'type':
      return new RoseError({
        code,
        message: `${field} is of the wrong kind`,
        place,
        actual: show(error.data),
        expected: [params['type']].flat().map(kindName).join(' or '),
        next: 'give it a value of that kind',
      });
    default:
      return new RoseError({
        code,
        message: `${field} ${error.message ?? 'is not allowed'}`,
        place,
        actual: show(error.data),
        expected: error.message ?? error.keyword,
        next: error.keyword === 'pattern' ? 'use lower-case letters, digits and underscores' : 'change it',
      });
  }
}

/** The keys of a JSON pointer; a number where it indexes a list. */
function pathOf(pointer: string, root: unknown): Path {
  let value = root;
  return pointer
    .split('/')
    .slice(1)
    .map((part) => {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const step = Array.isArray(value) ? Number(key) : key;
      value = (value as Record<string | number, unknown>)[step];
      return step;
    });
}

const quoteField = (path: Path): string => path.map((key) => quote(String(key))).join('.');

const kindName = (type: unknown): string =>
  ({ object: 'a map', array: 'a list', string: 'text', integer: 'a whole number', number: 'a number' })[
    String(type)
  ] ?? String(type);

/** A value as a message shows it. */
function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string' ? quote(value) : String(value);
}
