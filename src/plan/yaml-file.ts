/** YAML text -> its value, checked against a JSON Schema, and the place of any part of it. */

import type { ErrorObject, ValidateFunction } from 'ajv';
import { isMap, isNode, isScalar, parseDocument, type Document, type Scalar } from 'yaml';
import { RoseError, closest, type Place } from '../util/errors.js';
import { placeAt, type SourceText } from './source-text.js';

/** Field names and list positions, from the root. */
export type YamlPath = readonly (string | number)[];

export class YamlFile {
  readonly value: unknown;
  private readonly document: Document;

  /** Raises RECIPE_INVALID with line and column. */
  constructor(readonly source: SourceText) {
    this.document = parseDocument(source.text, { prettyErrors: false });
    const error = this.document.errors[0];
    if (error) {
      throw new RoseError({
        code: 'RECIPE_INVALID',
        message: `${source.file} is not well-formed YAML`,
        place: placeAt(source, error.pos[0], error.pos[1] - error.pos[0]),
        actual: error.message,
        expected: 'YAML 1.2',
        next: 'mend the recipe',
      });
    }
    this.value = this.document.toJS();
  }

  /** Place of the value at a path; the closest part that exists, where it does not. */
  placeOf(path: YamlPath): Place {
    const { offset, length } = this.span(path);
    return placeAt(this.source, offset, length);
  }

  /** Place of the name of a field. */
  placeOfName(path: YamlPath): Place {
    const map = this.document.getIn(path.slice(0, -1), true);
    const pair = isMap(map) ? map.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined;
    const range = pair && isScalar(pair.key) ? pair.key.range : undefined;
    return range ? placeAt(this.source, range[0], range[1] - range[0]) : this.placeOf(path);
  }

  /** Place of a part of the text at a path. */
  placeIn(path: YamlPath, start: number, length: number): Place {
    const node = this.document.getIn(path, true);
    const content = isScalar(node) ? contentOffset(node, this.source.text) : undefined;
    return content === undefined ? this.placeOf(path) : placeAt(this.source, content + start, length);
  }

  private span(path: YamlPath): { offset: number; length: number } {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = depth === 0 ? this.document.contents : this.document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) {
        const [offset, end] = node.range;
        const line = this.source.text.slice(offset, end).split('\n', 1)[0]!;
        return { offset, length: line.length };
      }
    }
    return { offset: 0, length: 1 };
  }

  /** Raises RECIPE_INVALID at the first part that does not match. */
  check(validate: ValidateFunction): void {
    if (validate(this.value)) return;
    const error = deepest(validate.errors ?? []);
    const path = error.instancePath.split('/').slice(1).map(unescapePointer);
    const unknown: unknown = error.params['additionalProperty'];
    if (typeof unknown === 'string') throw this.unknownField([...path, unknown], error);
    throw new RoseError({
      code: 'RECIPE_INVALID',
      message: `${path.length === 0 ? 'the recipe' : path.join('.')} does not match the schema`,
      place: this.placeOf(path),
      actual: JSON.stringify(this.document.getIn(path)) ?? 'nothing',
      expected: expectation(error),
      next: 'compare it with schemas/model-recipe.schema.json',
    });
  }

  private unknownField(path: readonly string[], error: ErrorObject): RoseError {
    const known = Object.keys((error.parentSchema?.['properties'] ?? {}) as object);
    const near = closest(path.at(-1)!, known);
    return new RoseError({
      code: 'RECIPE_INVALID',
      message: `a recipe has no field ${JSON.stringify(path.at(-1))} here`,
      place: this.placeOfName(path),
      actual: path.join('.'),
      expected: `one of ${known.join(', ')}`,
      next: near === undefined ? 'remove it' : `did you mean ${near}?`,
    });
  }
}

/** Offset of a scalar's first character, where its text stands in the file as it is. */
function contentOffset(node: Scalar, text: string): number | undefined {
  if (!node.range || typeof node.value !== 'string') return undefined;
  const start = node.range[0];
  return [start, start + 1].find((offset) => text.startsWith(node.value as string, offset));
}

function deepest(errors: readonly ErrorObject[]): ErrorObject {
  const depth = ({ instancePath }: ErrorObject): number => instancePath.split('/').length;
  return [...errors].sort((a, b) => depth(b) - depth(a))[0]!;
}

function expectation({ keyword, params, message }: ErrorObject): string {
  if (keyword === 'enum') return `one of ${(params['allowedValues'] as unknown[]).join(', ')}`;
  return message ?? 'something else';
}

function unescapePointer(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}
