/** Modifiers and operands that float instructions share. */

import type { Builder } from './builder.js';
import type { Modifiers } from './modifiers.js';

export const ROUNDINGS = ['rn', 'rz', 'rm', 'rp'] as const;

/** `.ftz` and `.sat` around an f32 result. */
export function finish(text: string, ftz: boolean, saturate: boolean): string {
  let result = text;
  if (ftz) result = `(u=${result},u<1.1754943508222875e-38&&u>-1.1754943508222875e-38?u*0:u)`;
  return saturate ? `(u=${result},u>0?u<1?u:1:0)` : result;
}

export interface FloatModifiers {
  readonly ftz: boolean;
  readonly saturate: boolean;
  readonly rounding: (typeof ROUNDINGS)[number];
}

export function floatModifiers(m: Modifiers): FloatModifiers {
  const rounding = m.oneOf(ROUNDINGS) ?? 'rn';
  return { ftz: m.has('ftz'), saturate: m.has('sat'), rounding };
}

export function doubles(b: Builder, ...at: number[]): string[] {
  return at.map((n) => {
    const pair = b.pair(b.operand(n));
    return `dbl(${pair.lo},${pair.hi})`;
  });
}

export function setDouble(b: Builder, text: string): void {
  b.do(`x=undbl(${text});y=HI[0];`);
  b.set64(b.operand(0), 'x', 'y');
}

export function formatOf(type: string): string {
  return type.startsWith('bf16') ? 'BF16fmt' : 'F16fmt';
}
