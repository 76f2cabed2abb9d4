/** The driver's CUDA version (12080) <-> driver releases (570.26), as the manifest names its least one. */

import { compareDrivers } from '../../device/arch.js';

/** First Linux release of each branch and the CUDA version it came with: CUDA toolkit release notes, table 3. */
const RELEASES: readonly (readonly [release: string, cuda: number])[] = [
  ['525.60.13', 12_000],
  ['530.30.02', 12_010],
  ['535.54.03', 12_020],
  ['545.23.06', 12_030],
  ['550.54.14', 12_040],
  ['555.42.02', 12_050],
  ['560.28.03', 12_060],
  ['565.57.01', 12_070],
  ['570.26', 12_080],
  ['575.51.03', 12_090],
  ['580.65.06', 13_000],
];

/** The CUDA version that a driver of this release or a later one reports: 570.26 -> 12080. */
export function cudaVersionOf(release: string): number {
  const known = RELEASES.filter(([first]) => compareDrivers(first, release) <= 0).at(-1);
  return known?.[1] ?? RELEASES[0]![1];
}

/** 12080 -> `12.8`. */
export function formatCudaVersion(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}
