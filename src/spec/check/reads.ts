/** Typed statements -> the reads of tensors that they make, each with whether it is of elements of other positions. */

import type { TypedExpr, TypedStatement } from '../types.js';
import { children, expressionsOf } from '../walk.js';

export type Load = TypedExpr & { readonly kind: 'load' };

export interface Read {
  readonly load: Load;
  /** Which elements other than its own position's are read, in words. */
  readonly elsewhere?: string;
  /** What takes the value to other positions of its row, in words. */
  readonly across?: string;
}

/** Where a value goes that is read. */
type Way = Pick<Read, 'elsewhere' | 'across'>;

export function sectionReads(statements: readonly TypedStatement[]): readonly Read[] {
  const reader = new Reader();
  for (const statement of statements) reader.statement(statement);
  return reader.reads;
}

class Reader {
  readonly reads: Read[] = [];
  /** One read of each tensor that a local is made of. */
  private readonly behind = new Map<string, ReadonlyMap<string, Load>>();

  statement(statement: TypedStatement): void {
    const tensors = new Map<string, Load>();
    for (const expr of expressionsOf(statement)) this.visit(expr, {}, tensors);
    if (statement.kind === 'let') this.behind.set(statement.name, tensors);
  }

  /** Notes the reads of `expr`, and adds to `tensors` what it is made of. A range over a local is one over its tensors, and so is a selection. */
  private visit(expr: TypedExpr, way: Way, tensors: Map<string, Load>): void {
    if (expr.kind === 'load') {
      this.reads.push({ load: expr, ...way });
      tensors.set(expr.tensor, expr);
    }
    if (expr.kind === 'local') {
      for (const [tensor, load] of this.behind.get(expr.name)!) {
        tensors.set(tensor, load);
        if (Object.keys(way).length > 0) this.reads.push({ load, ...way });
      }
    }
    const inside = { ...wayThrough(expr), ...way };
    for (const child of children(expr)) this.visit(child, inside, tensors);
  }
}

function wayThrough(expr: TypedExpr): Way {
  switch (expr.kind) {
    case 'reduce':
      return expr.range === undefined
        ? { across: `${expr.op} over ${expr.dim}` }
        : { elsewhere: 'a range of other rows' };
    case 'tally':
      return { elsewhere: 'all positions that are counted' };
    case 'pick':
      return { elsewhere: 'the positions that a selection gives' };
    case 'remap':
      return { across: `another position of ${expr.dim}` };
    case 'top':
    case 'scan':
    case 'arg':
    case 'leading':
    case 'lookup':
      return { across: `a function of all of ${expr.dim}` };
    default:
      return {};
  }
}
