/** A section between being typed and being handed on: its statements, and the scope that their names mean something in. */

import type { BoundSection, TypedStatement } from '../types.js';
import type { Scope } from './scope.js';
import type { Write } from './writes.js';

export class CheckedSection {
  constructor(
    readonly scope: Scope,
    readonly bound: BoundSection,
  ) {}

  get name(): string {
    return this.bound.name;
  }

  get statements(): readonly TypedStatement[] {
    return this.bound.statements;
  }

  /** Statements that write a tensor, or any. */
  writes(tensor?: string): readonly Write[] {
    return this.statements.filter(
      (statement): statement is Write =>
        statement.kind === 'write' && (tensor === undefined || statement.tensor === tensor),
    );
  }
}
