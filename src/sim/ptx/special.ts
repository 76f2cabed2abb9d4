/** Names of the special registers that are modelled. */

const AXES = ['tid', 'ntid', 'ctaid', 'nctaid', 'clusterid', 'nclusterid', 'cluster_ctaid', 'cluster_nctaid'];

const NAMES = new Set([
  ...AXES.flatMap((name) => [`%${name}.x`, `%${name}.y`, `%${name}.z`]),
  '%laneid',
  '%warpid',
  '%nwarpid',
  '%smid',
  '%nsmid',
  '%gridid',
  '%is_explicit_cluster',
  '%cluster_ctarank',
  '%cluster_nctarank',
  '%lanemask_eq',
  '%lanemask_le',
  '%lanemask_lt',
  '%lanemask_ge',
  '%lanemask_gt',
  '%clock',
  '%clock_hi',
  '%clock64',
  '%globaltimer',
  '%globaltimer_lo',
  '%globaltimer_hi',
  '%total_smem_size',
  '%dynamic_smem_size',
  '%aggr_smem_size',
]);

/** The special register of that name, or undefined. */
export function unitName(name: string): string | undefined {
  return NAMES.has(name) ? name : undefined;
}
