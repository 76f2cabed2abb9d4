/** What the reference is sure of in ordinary rows -> whether a verdict means anything. */

import type { Comparison } from './compare.js';
import type { Failure } from './types.js';

/** Elements below which chance decides. */
const FEW = 8;

/** Counts, over the ordinary cases of a variant, what each tensor's elements prove. */
export class Doubt {
  private readonly tensors = new Map<string, { readonly written: number; readonly sure: number }>();

  add(tensor: string, { written, sure }: Pick<Comparison, 'written' | 'sure'>): void {
    const before = this.tensors.get(tensor) ?? { written: 0, sure: 0 };
    this.tensors.set(tensor, { written: before.written + written, sure: before.sure + sure });
  }

  /** A tensor of which less than half is sure: a kernel that writes anything there would pass. */
  get failures(): readonly Failure[] {
    return [...this.tensors].flatMap(([tensor, { written, sure }]): readonly Failure[] =>
      written >= FEW && 2 * sure < written ? [{ kind: 'doubt', tensor, sure, written }] : [],
    );
  }
}
