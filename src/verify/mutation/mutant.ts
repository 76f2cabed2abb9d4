/** A mutant: what was changed in which variant. */

import { sha256 } from '../../util/hash.js';

export interface Mutant {
  /** Twelve hex digits that depend on the change alone. */
  readonly id: string;
  readonly level: 'ptx' | 'ir';
  readonly kernel: string;
  /** Id of the variant that is changed. */
  readonly variant: string;
  readonly operator: string;
  /** PTX: 1-based line; IR: number of the site, in the order of the text. */
  readonly line: number;
  readonly before: string;
  /** Empty: dropped. */
  readonly after: string;
}

export function mutantId(mutant: Omit<Mutant, 'id'>): string {
  const { level, variant, operator, line, before, after } = mutant;
  return sha256(JSON.stringify([level, variant, operator, line, before, after])).slice(0, 12);
}
