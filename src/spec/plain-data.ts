/**
 * Any JavaScript value -> a copy of plain maps, lists, texts, numbers and booleans, as YAML holds them.
 *
 * What comes from a program may be anything: a ring of references, a function, a getter that throws. Nothing of it is
 * run, and everything that YAML has no form for is refused with the path to it.
 */

import { RoseError } from '../util/errors.js';
import { LIMITS } from './limits.js';
import { quote } from './names.js';

/** A field without a value is left out. Raises SPEC_SCHEMA. */
export function plainData(value: unknown, file: string): unknown {
  return new Copier(file).copy(value, []);
}

class Copier {
  private count = 0;
  private readonly around = new Set<object>();

  constructor(private readonly file: string) {}

  copy(value: unknown, path: readonly string[]): unknown {
    this.count += 1;
    if (this.count > LIMITS.nodes) {
      throw this.refuse(path, 'is too large', `more than ${LIMITS.nodes} values`, `at most ${LIMITS.nodes}`);
    }
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        if (Number.isFinite(value)) return value;
        throw this.refuse(path, 'is no number that text can hold', String(value), 'a finite number');
      case 'object':
        return value === null ? null : this.collection(value, path);
      default:
        throw this.refuse(path, 'is no plain data', `a value of type ${typeof value}`, PLAIN);
    }
  }

  private collection(value: object, path: readonly string[]): unknown {
    if (this.around.has(value)) throw this.refuse(path, 'contains itself', 'a ring of references', PLAIN);
    if (path.length >= LIMITS.yamlDepth) {
      const levels = `${LIMITS.yamlDepth} levels`;
      throw this.refuse(path, 'is nested too deeply', `more than ${levels}`, `at most ${levels}`);
    }
    this.around.add(value);
    const entries = this.entries(value, path);
    const copied = entries.map(([key, field]): [string, unknown] => [key, this.copy(field, [...path, key])]);
    this.around.delete(value);
    return Array.isArray(value) ? copied.map(([, field]) => field) : Object.fromEntries(copied);
  }

  /** Keys and values; what only looks like a value, such as a getter, is not asked for it. */
  private entries(value: object, path: readonly string[]): readonly (readonly [string, unknown])[] {
    let descriptors: readonly (readonly [string, PropertyDescriptor | undefined])[];
    try {
      const prototype: unknown = Object.getPrototypeOf(value);
      if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) {
        throw this.refuse(path, 'is no plain data', 'an object of a class', PLAIN);
      }
      const keys = Array.isArray(value)
        ? Array.from({ length: Math.min(value.length, LIMITS.nodes + 1) }, (_, i) => String(i))
        : Object.keys(value);
      descriptors = keys.map((key) => [key, Object.getOwnPropertyDescriptor(value, key)]);
    } catch (error) {
      if (error instanceof RoseError) throw error;
      throw this.refuse(path, 'cannot be read', 'an object that refuses to be looked at', PLAIN, error);
    }
    const getter = descriptors.find(([, found]) => found?.get !== undefined || found?.set !== undefined);
    if (getter) throw this.refuse([...path, getter[0]], 'is no plain data', 'a getter', PLAIN);
    const given = descriptors.map(([key, found]): [string, unknown] => [key, found?.value]);
    return Array.isArray(value) ? given : given.filter(([, field]) => field !== undefined);
  }

  private refuse(
    path: readonly string[],
    what: string,
    actual: string,
    expected: string,
    cause?: unknown,
  ): RoseError {
    return new RoseError({
      code: 'SPEC_SCHEMA',
      message: `${path.length === 0 ? 'the definition' : path.map(quote).join('.')} ${what}`,
      place: { file: this.file },
      actual,
      expected,
      next: 'write the definition as you would write its YAML',
      ...(cause !== undefined && { cause }),
    });
  }
}

const PLAIN = 'maps, lists, texts, numbers and booleans';
