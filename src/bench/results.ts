/** What a bench writes: one JSON document, whose numbers name their units. */

import type { Spread } from './statistics.js';
import type { Ceilings } from './ceilings.js';

export interface BenchResults {
  readonly schema: 1;
  /** ISO date. */
  readonly date: string;
  readonly device: string;
  /** CUDA version of the driver: 13.0. */
  readonly cuda: string;
  readonly node: string;
  readonly l2Bytes: number;
  /** Bytes a second. */
  readonly ceilings: Ceilings;
  /** Version by peer. */
  readonly peers: Readonly<Record<string, string | null>>;
  readonly cases: readonly BenchCase[];
}

export interface BenchCase {
  readonly variant: string;
  readonly kernel: string;
  readonly phase: string;
  readonly rows: number;
  /** `cold`: nothing of the tensors is in the L2 when a call begins; `warm`: the same tensors each call. */
  readonly cache: 'cold' | 'warm';
  /** Tensors that the calls rotate through, calls of a graph, and whether the L2 is cleared before each replay. */
  readonly sets: number;
  readonly calls: number;
  readonly flushed: boolean;
  /** Bytes that the operation has to read and write, each element once. */
  readonly moved: { readonly read: number; readonly written: number };
  /** Operations of the formula: arithmetic, comparisons and functions. */
  readonly operations: number;
  /** Microseconds a call in a graph. */
  readonly microseconds: Spread;
  /** Microseconds of streaming kernels that move as many bytes. */
  readonly floor: number;
  /** `floor` by `microseconds`. */
  readonly ofCeiling: number;
  /** An empty kernel of the same launch shape, as the variant is launched; and both without dependent launch. */
  readonly empty: Spread;
  readonly withoutDependentLaunch?: { readonly microseconds: Spread; readonly empty: Spread };
  readonly check: { readonly worstUlp: number; readonly wrong: readonly string[] };
  readonly peers: Readonly<Record<string, PeerResult>>;
}

export interface PeerResult {
  readonly microseconds?: Spread;
  /** Its median by ours: above 1 it is slower. */
  readonly ratio?: number;
  /** Largest difference of an element from ours, by the largest magnitude of the output. */
  readonly difference?: number;
  readonly note?: string;
  /** Why there is no time. */
  readonly absent?: string;
  readonly error?: string;
}

/** The fastest peer of a case; undefined where none ran. */
export function bestPeer({
  peers,
}: BenchCase): { readonly name: string; readonly ratio: number } | undefined {
  const ran = Object.entries(peers).flatMap(([name, { ratio }]) =>
    ratio === undefined ? [] : [{ name, ratio }],
  );
  return ran.sort((a, b) => a.ratio - b.ratio)[0];
}
