/** Typed statements -> the reads of tensors that they make, each with whether it is of elements of other positions. */

import type { TypedExpr, TypedStatement } from '../types.js';
import { children, expressionsOf } from '../walk.js';

export type Load = TypedExpr & { readonly kind: 'load' };

export interface Read {
  readonly load: Load;
  /** Which elements other than its own position's are read, in words. */
  readonly elsewhere?: string;
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
    for (const expr of expressionsOf(statement)) this.visit(expr, undefined, tensors);
    if (statement.kind === 'let') this.behind.set(statement.name, tensors);
  }

  /** Notes the reads of `expr`, and adds to `tensors` what it is made of. A range over a local is one over its tensors, and so is a selection. */
  private visit(expr: TypedExpr, elsewhere: string | undefined, tensors: Map<string, Load>): void {
    if (expr.kind === 'load') {
      this.reads.push({ load: expr, ...(elsewhere !== undefined && { elsewhere }) });
      tensors.set(expr.tensor, expr);
    }
    if (expr.kind === 'local') {
      for (const [tensor, load] of this.behind.get(expr.name)!) {
        tensors.set(tensor, load);
        if (elsewhere !== undefined) this.reads.push({ load, elsewhere });
      }
    }
    const inside = elsewhere ?? readsElsewhere(expr);
    for (const child of children(expr)) this.visit(child, inside, tensors);
  }
}

function readsElsewhere(expr: TypedExpr): string | undefined {
  if (expr.kind === 'reduce' && expr.range !== undefined) return 'a range of other rows';
  if (expr.kind === 'tally') return 'all positions that are counted';
  return expr.kind === 'pick' ? 'the positions that a selection gives' : undefined;
}
