/** Typed statements -> the reads of tensors that they make, each with whether it is made for a range of other rows. */

import type { TypedExpr, TypedStatement } from '../types.js';
import { children, expressionsOf } from '../walk.js';

export type Load = TypedExpr & { readonly kind: 'load' };

export interface Read {
  readonly load: Load;
  readonly range: boolean;
}

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
    for (const expr of expressionsOf(statement)) this.visit(expr, false, tensors);
    if (statement.kind === 'let') this.behind.set(statement.name, tensors);
  }

  /** Notes the reads of `expr`, and adds to `tensors` what it is made of. A range over a local is one over its tensors. */
  private visit(expr: TypedExpr, range: boolean, tensors: Map<string, Load>): void {
    if (expr.kind === 'load') {
      this.reads.push({ load: expr, range });
      tensors.set(expr.tensor, expr);
    }
    if (expr.kind === 'local') {
      for (const [tensor, load] of this.behind.get(expr.name)!) {
        tensors.set(tensor, load);
        if (range) this.reads.push({ load, range });
      }
    }
    const inside = range || (expr.kind === 'reduce' && expr.range !== undefined);
    for (const child of children(expr)) this.visit(child, inside, tensors);
  }
}
