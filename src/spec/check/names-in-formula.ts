/**
 * Every name of a formula against what is declared, whatever the flags: unknown names, locals assigned twice or never
 * used. An arm that flags drop may name what does not exist then, but nothing that never exists.
 */

import { closest, RoseError, type Place } from '../../util/errors.js';
import { DTYPES, FUNCTIONS, OTHER_CALLS, quote, OVER_DIMENSIONS, unknownName, type Names } from '../names.js';
import type { Expr, IndexEntry, KernelSpec, SectionFormula, Statement } from '../types.js';
import { typeError } from './errors.js';

const CALLS: readonly string[] = [...DTYPES, ...OVER_DIMENSIONS, ...FUNCTIONS, ...OTHER_CALLS];

/** The declared names that the formula uses. Raises FORMULA_NAME, SPEC_NAME, FORMULA_TYPE. */
export function checkNames(spec: KernelSpec, declared: Names): ReadonlySet<string> {
  const used = new Set<string>();
  for (const section of spec.formulas) new SectionNames(spec, declared, used).check(section);
  return used;
}

class SectionNames {
  private readonly locals = new Map<string, Place>();
  private readonly usedLocals = new Set<string>();
  /** Where each target is assigned first: a use before that is told so. */
  private readonly assigned = new Map<string, Place>();

  constructor(
    private readonly spec: KernelSpec,
    private readonly declared: Names,
    private readonly used: Set<string>,
  ) {}

  check({ statements }: SectionFormula): void {
    for (const { target, span } of [...statements].reverse()) this.assigned.set(target, span);
    const own = this.declared.copy();
    for (const statement of statements) {
      const { target, span } = statement;
      this.entries(statement.entries);
      this.expr(statement.value);
      if (statement.where) this.expr(statement.where);
      if (this.declared.get(target) === 'tensor') {
        this.used.add(target);
        continue;
      }
      if (statement.entries.length > 0 || statement.where) throw this.noTensor(statement);
      own.declare('local', target, span);
      this.locals.set(target, span);
    }
    for (const [local, span] of this.locals)
      if (!this.usedLocals.has(local)) throw this.unusedLocal(local, span);
  }

  private expr(expr: Expr): void {
    switch (expr.kind) {
      case 'number':
        return;
      case 'name':
        this.name(expr.name, expr.span);
        return;
      case 'unary':
        this.expr(expr.operand);
        return;
      case 'binary':
        this.expr(expr.left);
        this.expr(expr.right);
        return;
      case 'call':
        this.callee(expr.name, expr.span);
        for (const arg of expr.args) this.expr(arg);
        return;
      case 'reduce':
        this.dim(expr.dim, expr.span);
        if (typeof expr.by === 'string') this.dim(expr.by, expr.span);
        if (expr.range !== undefined) this.name(expr.range, expr.span);
        this.expr(expr.operand);
        return;
      case 'top':
        this.dim(expr.dim, expr.span);
        this.dim(expr.slots, expr.span);
        this.expr(expr.operand);
        if (expr.allowed) this.expr(expr.allowed);
        return;
      case 'tally':
        for (const dim of [...expr.dims, expr.bins]) this.dim(dim, expr.span);
        this.expr(expr.operand);
        return;
      case 'scan':
        this.dim(expr.dim, expr.span);
        this.expr(expr.operand);
        return;
      case 'row':
        this.dim(expr.dim, expr.span);
        if (typeof expr.by === 'string') this.dim(expr.by, expr.span);
        for (const arg of expr.args) this.expr(arg);
        return;
      case 'index':
        this.expr(expr.operand);
        this.entries(expr.entries);
        return;
      default:
        expr satisfies never;
    }
  }

  private entries(entries: readonly IndexEntry[]): void {
    for (const { dim, index, span } of entries) {
      this.dim(dim, span);
      this.expr(index);
    }
  }

  private name(name: string, span: Place): void {
    if (this.locals.has(name)) this.usedLocals.add(name);
    else if (this.declared.get(name) !== undefined) this.used.add(name);
    else if (name !== 'true' && name !== 'false') {
      const later = this.assigned.get(name);
      if (!later) {
        const { tensors, params, flags } = this.spec;
        const known = [...this.locals.keys(), ...[...tensors, ...params, ...flags].map((each) => each.name)];
        throw unknownName('FORMULA_NAME', 'tensor, param or local', name, known, span);
      }
      throw new RoseError({
        code: 'FORMULA_NAME',
        message: `${name} is used before it has a value`,
        place: span,
        actual: later.line === undefined ? 'assigned later' : `assigned in line ${later.line}`,
        expected: 'a name that an earlier statement assigns',
        next: 'put the statement that assigns it first',
      });
    }
  }

  private dim(name: string, span: Place): void {
    if (this.declared.get(name) !== 'dimension') {
      const dims = this.spec.dims.map((dim) => dim.name);
      throw unknownName('FORMULA_NAME', 'dimension', name, dims, span);
    }
    this.used.add(name);
  }

  private callee(name: string, span: Place): void {
    if (CALLS.includes(name)) return;
    const what = this.locals.has(name) ? 'local' : this.declared.get(name);
    if (what === 'type') {
      this.used.add(name);
      return;
    }
    if (what !== undefined) {
      throw new RoseError({
        code: 'FORMULA_NAME',
        message: `${name} is a ${what} and cannot be called`,
        place: span,
        actual: `${name}(...)`,
        expected: 'a function or a cast',
        next: 'write * for a product, [dimension: index] for an index',
      });
    }
    const known = [
      ...FUNCTIONS,
      ...OTHER_CALLS,
      ...OVER_DIMENSIONS,
      ...this.spec.types.map((type) => type.name),
      ...DTYPES,
    ];
    throw unknownName('FORMULA_NAME', 'function', name, known, span);
  }

  private noTensor({ target, span }: Statement): RoseError {
    const tensors = this.spec.tensors.map(({ name }) => name);
    const near = closest(target, tensors);
    return new RoseError({
      code: 'FORMULA_NAME',
      message: `there is no tensor ${quote(target)}`,
      place: span,
      actual: quote(target),
      expected: `one of ${tensors.join(', ')}`,
      next:
        near === undefined
          ? 'only a tensor is written at an index or under a condition'
          : `did you mean ${near}?`,
    });
  }

  private unusedLocal(local: string, place: Place): RoseError {
    const outputs = this.spec.tensors.filter(({ access }) => access !== 'in').map(({ name }) => name);
    const near = closest(local, outputs);
    return typeError(
      `${local} is computed and never used`,
      'no use',
      outputs.length === 0
        ? 'a use in a later statement'
        : `a use in a later statement, or an output: ${outputs.join(', ')}`,
      near === undefined ? 'use it, or remove it' : `did you mean ${near}?`,
      place,
    );
  }
}
