/** Plan -> the text and the JSON that `plan` shows. */

import type { NotCovered, Plan, PlannedVariant, UnsupportedVariant } from './plan.js';

/** Version of the JSON form. */
export const PLAN_SCHEMA = 1;

export interface PlanJson extends Omit<Plan, 'variants' | 'unsupported' | 'notCovered'> {
  readonly schema: typeof PLAN_SCHEMA;
  readonly variants: readonly PlannedVariant[];
  readonly unsupported: readonly UnsupportedVariant[];
  readonly notCovered: readonly NotCovered[];
}

export function planJson(plan: Plan): PlanJson {
  return { schema: PLAN_SCHEMA, ...plan };
}

/** Aligned columns, one line a reason, no colour, no trailing spaces; ends with a line break. */
export function formatPlan(plan: Plan): string {
  const { model, variants, unsupported, notCovered } = plan;
  const quant = plan.quant === 'none' ? 'not quantised' : `quantised ${plan.quant.replace('_', '-')}`;
  const lines = [
    `${model.name} (${model.modelType}, ${model.config})`,
    `${plan.archs.join(', ')}; ${plan.phases.join(' and ')}; ${plan.dtype}, KV cache ${plan.kvDtype}, ${quant}`,
    '',
    `${variants.length} variant${variants.length === 1 ? '' : 's'}`,
    ...table(variants.map(({ id, reasons }) => [id, reasons])),
  ];
  if (unsupported.length > 0) {
    lines.push('', `${unsupported.length} unsupported`);
    lines.push(...table(unsupported.map(({ id, because }) => [id, [because]])));
  }
  if (notCovered.length > 0) {
    lines.push('', `${notCovered.length} not yet covered`);
    lines.push(...table(notCovered.map(({ op, reason }) => [op, [reason]])));
  }
  return `${lines.join('\n')}\n`;
}

function table(rows: readonly (readonly [string, readonly string[]])[]): readonly string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.flatMap(([left, right]) =>
    right.map((text, i) => `  ${(i === 0 ? left : '').padEnd(width)}  ${text}`.trimEnd()),
  );
}
