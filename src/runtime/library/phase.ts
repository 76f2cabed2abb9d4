/**
 * Rows of a call that names no phase -> the phase whose schedule serves it.
 *
 * Decode schedules are made for few rows: where rows are long, a cluster shares each, so that few of them reach all SMs. Once
 * that puts more CTAs on each SM than it runs, or several, it only costs. Prefill schedules give a row fewer CTAs: they serve it
 * where all of those run at once, or have fewer turns.
 */

import type { ServedVariant } from './served-variant.js';

/** The largest batch that decode schedules are made and measured for. */
export const DECODE_ROWS = 128;
/** CTAs of clusters on an SM, beyond which sharing a row reaches no further SM. */
const SHARING_CTAS_PER_SM = 2;

/** The phase for which schedules of so many rows are made. */
export const phaseOf = (rows: number): 'decode' | 'prefill' => (rows <= DECODE_ROWS ? 'decode' : 'prefill');

/** Whether the CTAs that share rows in a decode schedule crowd the SMs while those of the prefill schedule would not. */
export function isCrowded(
  decode: ServedVariant,
  decodeCtas: number,
  prefill: ServedVariant,
  prefillCtas: number,
): boolean {
  if (decode.plan.ctasInCluster === 1) return false;
  const most = Math.min(SHARING_CTAS_PER_SM * decode.device.multiprocessors, decode.ctasAtOnce);
  if (decodeCtas <= most) return false;
  const turns = turnsOf(prefill, prefillCtas);
  return turns === 1 || turns < turnsOf(decode, decodeCtas);
}

/** How often a device is filled with so many CTAs of a variant. */
const turnsOf = (served: ServedVariant, ctas: number): number => Math.ceil(ctas / served.ctasAtOnce);
