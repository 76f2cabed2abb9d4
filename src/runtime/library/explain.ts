/** A question -> which variant answers it and why, or what is there instead and the command that builds what is not. */

import type { VariantEntry } from '../../device/manifest.js';
import { closest, RoseError } from '../../util/errors.js';
import { buildHint } from './build-hint.js';
import { differences, type Catalogue, type Question } from './catalogue.js';
import type { Refusal } from './refusal.js';

export interface Explanation {
  /** The variant that would run; absent: none. */
  readonly variant?: string;
  /** Why, one sentence each. */
  readonly reasons: readonly string[];
  /** The other variants of the kernel, nearest first. */
  readonly others: readonly { readonly id: string; readonly because: readonly string[] }[];
  /** The command that builds what is missing; absent where no build would help. */
  readonly build?: string;
}

/** Variants that a message lists. */
const SHOWN = 4;

export function explain(catalogue: Catalogue, question: Question): Explanation {
  const [chosen, ...alternatives] = catalogue.find(question);
  const others = [
    ...alternatives.map(({ id }) => ({ id, because: ['another one comes first'] })),
    ...rejected(catalogue, question),
  ];
  if (chosen) return { variant: chosen.id, reasons: reasonsFor(chosen, catalogue), others };
  const reasons =
    others.length === 0
      ? [`the library has no kernel ${question.kernel}`]
      : [`none of ${others.length} variants of ${question.kernel} matches`];
  const { phase: _phase, ...inAnyPhase } = question;
  const { build, instead } = buildHint(catalogue, question, catalogue.find(inAnyPhase)[0]);
  return {
    reasons: instead === undefined ? reasons : [...reasons, instead],
    others,
    ...(build !== undefined && { build }),
  };
}

/** What stands against a call that nothing serves. */
export interface Miss {
  /** What each candidate lacks. */
  readonly refusals: readonly { readonly variant: VariantEntry; readonly refusal: Refusal }[];
  /** The static dims that the call asks for, where the nearest candidate has others. */
  readonly dims: Question['dims'];
  /** The variant that would serve the call if it named no phase. */
  readonly otherwise: VariantEntry | undefined;
}

export function missError(
  catalogue: Catalogue,
  question: Question,
  { refusals, dims, otherwise }: Miss,
): RoseError {
  const { kernel } = question;
  const { build, instead } = buildHint(catalogue, { ...question, ...(dims && { dims }) }, otherwise);
  const all = catalogue.of(kernel);
  const [refused] = refusals;
  const nearest = refused?.variant.id ?? rejected(catalogue, question)[0]?.id;
  const why = refused
    ? `${refused.refusal.message}: ${refused.refusal.actual}, not ${refused.refusal.expected}`
    : rejected(catalogue, question)[0]?.because.join(', ');
  const similar = closest(kernel, catalogue.kernels);
  const listed = all.slice(0, SHOWN).map(({ id }) => id);
  const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : '';
  return new RoseError({
    code: 'LIBRARY_MISS',
    message:
      all.length === 0 ? `the library has no kernel ${kernel}` : `no variant of ${kernel} serves this call`,
    actual: `asked for ${describe(question, catalogue.deviceArch)}${nearest === undefined ? '' : `; nearest is ${nearest}: ${why ?? ''}`}`,
    expected:
      all.length === 0
        ? `one of ${catalogue.kernels.join(', ') || 'no kernel at all'}`
        : `one of ${listed.join(', ')}${more}`,
    next:
      all.length === 0 && similar !== undefined
        ? `did you mean ${similar}?`
        : (instead ?? `build it: ${build}`),
  });
}

function describe(question: Question, arch: string): string {
  const list = (record: Readonly<Record<string, unknown>> = {}): string[] =>
    Object.entries(record).map(([name, value]) => `${name} = ${String(value)}`);
  const parts = [...list(question.types), ...list(question.flags), ...list(question.dims)];
  const what = parts.length > 0 ? ` with ${parts.join(', ')}` : '';
  const phase = question.phase === undefined ? '' : ` for ${question.phase}`;
  return `${question.kernel}${what}${phase} on ${arch}`;
}

function rejected(catalogue: Catalogue, question: Question): { id: string; because: readonly string[] }[] {
  return catalogue
    .of(question.kernel)
    .map((variant) => ({ id: variant.id, because: differences(variant, question, catalogue.deviceArch) }))
    .filter(({ because }) => because.length > 0)
    .sort((a, b) => a.because.length - b.because.length);
}

function reasonsFor(variant: VariantEntry, { deviceArch }: Catalogue): readonly string[] {
  return [
    variant.arch === deviceArch
      ? `it is built for ${deviceArch}`
      : `code for ${variant.arch} runs on ${deviceArch}`,
    `it is the schedule for ${variant.phase}`,
    ...variant.reasons,
  ];
}
