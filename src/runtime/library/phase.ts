/**
 * Rows of a call that names no phase -> the phase whose schedule serves it.
 *
 * Decode schedules are made for few rows: where rows are long, a cluster shares each, so that few of them reach all SMs. Once
 * that puts several CTAs on each SM it only costs. Prefill schedules give a row fewer CTAs; while all of those run at once,
 * each finds an SM of its own.
 */

import type { VariantPlan } from './variant-plan.js';

/** The largest batch that decode schedules are made and measured for. */
export const DECODE_ROWS = 128;
/** CTAs of clusters on an SM, beyond which sharing a row reaches no further SM. */
const SHARING_CTAS_PER_SM = 2;

/** The phase for which schedules of so many rows are made. */
export const phaseOf = (rows: number): 'decode' | 'prefill' => (rows <= DECODE_ROWS ? 'decode' : 'prefill');

/** Whether the CTAs that share rows in a decode schedule crowd the SMs while those of the prefill schedule would not. */
export function isCrowded(
  decode: VariantPlan,
  decodeCtas: number,
  prefill: VariantPlan,
  prefillCtas: number,
): boolean {
  return (
    decode.ctasInCluster > 1 &&
    decodeCtas > SHARING_CTAS_PER_SM * decode.multiprocessors &&
    prefillCtas <= prefill.variant.resources.ctasPerSm * prefill.multiprocessors
  );
}
