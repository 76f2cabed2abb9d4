/**
 * Special registers -> text of their value.
 *
 * Names that the generated code has in scope: `t` the thread in its CTA, `C` a CTA's words (see `CtaWord`), `N` the
 * launch's words (see `LaunchWord`), `X`, `Y`, `Z` the coordinates of each thread.
 */

import type { Pair } from './pair.js';

/** Words of a CTA, in the order in which the scheduler keeps them. */
export const CTA_WORDS = [
  'ctaidX',
  'ctaidY',
  'ctaidZ',
  'rank',
  'clusterX',
  'clusterY',
  'clusterZ',
  'inClusterX',
  'inClusterY',
  'inClusterZ',
  'slot',
] as const;

/** Words of a launch. */
export const LAUNCH_WORDS = [
  'ntidX',
  'ntidY',
  'ntidZ',
  'nctaX',
  'nctaY',
  'nctaZ',
  'clusterX',
  'clusterY',
  'clusterZ',
  'nclusterX',
  'nclusterY',
  'nclusterZ',
  'dynamicShared',
  'totalShared',
  'sms',
] as const;

export type CtaWord = (typeof CTA_WORDS)[number];
export type LaunchWord = (typeof LAUNCH_WORDS)[number];

export const ctaWord = (word: CtaWord): number => CTA_WORDS.indexOf(word);
export const launchWord = (word: LaunchWord): number => LAUNCH_WORDS.indexOf(word);

const c = (word: CtaWord): string => `C[cb+${ctaWord(word)}]`;
const n = (word: LaunchWord): string => `N[${launchWord(word)}]`;

const VALUES: Readonly<Record<string, string>> = {
  '%tid.x': 'X[t]',
  '%tid.y': 'Y[t]',
  '%tid.z': 'Z[t]',
  '%ntid.x': n('ntidX'),
  '%ntid.y': n('ntidY'),
  '%ntid.z': n('ntidZ'),
  '%ctaid.x': c('ctaidX'),
  '%ctaid.y': c('ctaidY'),
  '%ctaid.z': c('ctaidZ'),
  '%nctaid.x': n('nctaX'),
  '%nctaid.y': n('nctaY'),
  '%nctaid.z': n('nctaZ'),
  '%clusterid.x': c('clusterX'),
  '%clusterid.y': c('clusterY'),
  '%clusterid.z': c('clusterZ'),
  '%nclusterid.x': n('nclusterX'),
  '%nclusterid.y': n('nclusterY'),
  '%nclusterid.z': n('nclusterZ'),
  '%cluster_ctaid.x': c('inClusterX'),
  '%cluster_ctaid.y': c('inClusterY'),
  '%cluster_ctaid.z': c('inClusterZ'),
  '%cluster_nctaid.x': n('clusterX'),
  '%cluster_nctaid.y': n('clusterY'),
  '%cluster_nctaid.z': n('clusterZ'),
  '%cluster_ctarank': c('rank'),
  '%cluster_nctarank': `(${n('clusterX')}*${n('clusterY')}*${n('clusterZ')})`,
  '%laneid': '(t&31)',
  '%warpid': '(t>>5)',
  '%nwarpid': `((${n('ntidX')}*${n('ntidY')}*${n('ntidZ')}+31)>>5)`,
  '%smid': c('slot'),
  '%nsmid': n('sms'),
  '%gridid': '1',
  '%lanemask_eq': '(1<<(t&31))',
  '%lanemask_lt': '((1<<(t&31))-1)',
  '%lanemask_le': '((1<<(t&31))-1|1<<(t&31))',
  '%lanemask_gt': '(~((1<<(t&31))-1|1<<(t&31)))',
  '%lanemask_ge': '(~((1<<(t&31))-1))',
  '%dynamic_smem_size': n('dynamicShared'),
  '%total_smem_size': n('totalShared'),
  '%aggr_smem_size': n('totalShared'),
};

/** Text of the value, in two words; undefined for a register that is not modelled (clocks). */
export function specialValue(name: string): Pair | undefined {
  const lo = VALUES[name];
  return lo === undefined ? undefined : { lo, hi: '0' };
}

/** Whether the value differs between the threads of a CTA. */
export function variesByThread(name: string): boolean {
  return VALUES[name]?.includes('t') === true && /\bt\b/.test(VALUES[name]);
}
