/**
 * Names that a spec declares: checked once, here, so that every later stage may print them.
 *
 * A name is a plain identifier, none of the words that the formula language, Python or JavaScript give a meaning to,
 * and declared once among dimensions, types, flags, params, tensors and locals.
 */

import { closest, RoseError, type ErrorCode, type Place } from '../util/errors.js';
import { LIMITS } from './limits.js';

export const DTYPES = ['f32', 'bf16', 'f16', 'e4m3', 'e5m2', 'i8', 'i32', 'i64', 'u8', 'bool'] as const;
export const REDUCTIONS = ['sum', 'mean', 'max', 'min'] as const;
/** Selections along a dimension. */
export const SELECTIONS = ['top', 'bottom'] as const;
/** Over all positions of some dimensions: how many have each index, and how many earlier ones have the same. */
export const TALLIES = ['count', 'rank'] as const;
/** Functions of a row, with the dimension that the row lies along in brackets. */
export const ROW_FUNCTIONS = ['argmax', 'argmin', 'largest', 'nucleus', 'uniform'] as const;
/** Functions whose dimensions stand in brackets. */
export const OVER_DIMENSIONS = [...REDUCTIONS, ...SELECTIONS, ...TALLIES, 'scan', ...ROW_FUNCTIONS] as const;
/** Functions of one f32. */
export const FUNCTIONS = [
  'abs',
  'sqrt',
  'rsqrt',
  'rcp',
  'exp',
  'log',
  'tanh',
  'sigmoid',
  'erf',
  'erfc',
  'sin',
  'cos',
  'round',
  'floor',
  'ceil',
] as const;
export const OTHER_CALLS = ['select', 'index', 'size'] as const;

const words = (text: string): readonly string[] => text.split(/\s+/);

/** What the language itself uses. */
const LANGUAGE: ReadonlySet<string> = new Set([
  ...DTYPES,
  ...OVER_DIMENSIONS,
  ...FUNCTIONS,
  ...OTHER_CALLS,
  ...words('inf where by in true false dynamic static sections rn rz rm rp sat'),
]);

const PYTHON: ReadonlySet<string> = new Set(
  words(`False None True and as assert async await break class continue def del elif else except finally for from
    global if import in is lambda nonlocal not or pass raise return try while with yield match case type`),
);

const JAVASCRIPT: ReadonlySet<string> = new Set([
  ...words(`arguments await break case catch class const continue debugger default delete do else enum eval export
    extends false finally for function if implements import in instanceof interface let new null package private
    protected public return static super switch this throw true try typeof undefined var void while with yield`),
  ...Object.getOwnPropertyNames(Object.prototype),
  'prototype',
]);

const IDENTIFIER = /^[A-Za-z](_?[A-Za-z0-9])*$/;

/** What a name means, or undefined where a spec may declare it. */
function reservedBy(name: string): string | undefined {
  if (LANGUAGE.has(name)) return 'a word of the spec language';
  if (PYTHON.has(name)) return 'a Python keyword';
  if (JAVASCRIPT.has(name)) return 'a JavaScript word';
  return undefined;
}

/** Raises SPEC_NAME unless `name` may be declared. */
export function checkName(what: string, name: string, place: Place, longest: number = LIMITS.name): void {
  if (!IDENTIFIER.test(name) || name.length > longest) {
    throw new RoseError({
      code: 'SPEC_NAME',
      message: `${what} has no legal name`,
      place,
      actual: quote(name),
      expected: `a letter, then letters, digits and single underscores, at most ${longest} characters`,
      next: 'rename it',
    });
  }
  const reserved = reservedBy(name);
  if (reserved !== undefined) {
    throw new RoseError({
      code: 'SPEC_NAME',
      message: `${what} cannot be called ${name}`,
      place,
      actual: `${name} is ${reserved}`,
      expected: 'a name of its own',
      next: 'rename it',
    });
  }
}

/** Names declared so far and what each is. */
export class Names {
  private readonly known = new Map<string, { readonly what: string; readonly place: Place }>();

  /** Raises SPEC_NAME where the name is illegal or taken. */
  declare(what: string, name: string, place: Place): void {
    checkName(what, name, place);
    const taken = this.known.get(name);
    if (taken) {
      throw new RoseError({
        code: 'SPEC_NAME',
        message: `${name} is declared twice`,
        place,
        actual: `${what} ${name}, and ${taken.what} ${name}${taken.place.line === undefined ? '' : ` in line ${taken.place.line}`}`,
        expected: 'dimensions, types, flags, params, tensors and locals with names of their own',
        next: 'rename one of them',
      });
    }
    this.known.set(name, { what, place });
  }

  /** The same names, to which more may be added without touching these. */
  copy(): Names {
    const names = new Names();
    for (const [name, entry] of this.known) names.known.set(name, entry);
    return names;
  }

  /** What a name was declared as, `tensor` for example. */
  get(name: string): string | undefined {
    return this.known.get(name)?.what;
  }
}

/** An error about a name that is not declared, with the closest that is. */
export function unknownName(
  code: ErrorCode,
  what: string,
  name: string,
  candidates: readonly string[],
  place: Place,
): RoseError {
  const near = closest(name, candidates);
  return new RoseError({
    code,
    message: `there is no ${what} ${quote(name)}`,
    place,
    actual: quote(name),
    expected: candidates.length === 0 ? `a declared ${what}` : `one of ${candidates.join(', ')}`,
    next: near === undefined ? `declare it, or name one that exists` : `did you mean ${near}?`,
  });
}

/** A name as a message shows it: cut, and in quotes unless it is an identifier. */
export function quote(name: string): string {
  const cut = name.length > 60 ? `${name.slice(0, 60)}…` : name;
  return /^\w+$/.test(cut) ? cut : JSON.stringify(cut);
}
