/**
 * The schedule of a section with functions of a whole row (`argmax`, `largest`, `nucleus`) in rows of any length.
 *
 * A row is one CTA's, or a cluster's, whose CTAs take as many tiles of it each; tiles are walked in loops, and what more than
 * one walk needs is loaded again, from the L2 cache: a vocabulary for each row of a batch does not fit in shared memory.
 */

import type { Architecture } from '../device/arch.js';
import { DYNAMIC_LANE_BOUND, type Kernel, type Section, type Streams, type Target } from '../ir/kernel.js';
import type { ScheduleOverride } from '../plan/index.js';
import { requireSameRows } from './choose-selection.js';
import type { Axis } from '../spec/index.js';
import { chooseVector } from './choose-vector.js';
import { laneAxes } from './lane-axes.js';
import { inRounds, MOST_SORTED, mostHeld, mostSelected, sortsWhole } from './long-rows.js';
import { planSweeps, walksOf } from './lower/sweeps.js';
import type { Draft } from './schedule-draft.js';
import { isOfBlocks } from './split-axis.js';
import { unsupported } from './unsupported.js';

/** Elements of a row: their positions have 22 bits. */
const MOST = 2 ** 22;
/** Elements that make another CTA of a cluster worth its barriers. */
const PER_CTA = 4096;
/** Bits of the vectors of a row with cuts: each element has branches of its own, whose compile time grows faster than they do. */
const BITS_OF_CUTS = 128;
/** Tensors along such a row that leave registers for vectors of these bits. */
const MOST_LOADS = 2;

/** What a row is shared by where it is long enough, on architectures with clusters. */
interface Team {
  readonly cluster: number;
  /** Of a CTA, at most. */
  readonly threads: number;
  readonly minBlocks?: number;
  readonly steps?: number;
  readonly streams?: Streams;
}
/** The first is for rows that leave SMs idle: more CTAs a row reach more of them. The second is for rows that fill the device. */
type Teams = Readonly<Record<Target['phase'], Team>>;
/**
 * Timed on an H200, 2026-11-28, rows of 151,936 f32, cold, us for 1, 8 and 64 rows. Two CTAs a row put 64 rows on 128 SMs, one CTA each;
 * larger clusters reach more SMs for few rows, but 64 of them are not spread evenly.
 */
const CUTS: Team = { cluster: 2, threads: 1024, minBlocks: 1 };
const FULL: Team = { cluster: 2, threads: 768, minBlocks: 1, steps: 25, streams: 'no-allocate' };
const TEAMS = {
  // Top-k 50 and top-p 0.9.
  cuts: {
    // 16.2, 18.1, 87; 256 threads 21.1, 23.9, 114; 4 CTAs of 512 threads 18.3, 19.1, 57.
    decode: { cluster: 8, threads: 512, minBlocks: 1 },
    // 22.5, 23.6, 27.7; 512 threads 25.0, 25.9, 30.4.
    prefill: CUTS,
  },
  // Rows of several tensors serve any batch with one schedule: there are many such kernels, and they compile for seconds.
  cutsOfSeveral: { decode: CUTS, prefill: CUTS },
  // The largest of a row. All of a thread's steps are unrolled: the assembler keeps as many loads in flight as it has registers for.
  oneWalk: {
    // 2.3, 3.5, 12.6; 10 steps 2.5, 3.9, 12.6.
    decode: { cluster: 8, threads: 256, minBlocks: 5, steps: 20 },
    // 4.6, 5.0, 11.1; through the L1 4.7, 5.2, 11.3; 1024 threads 4.6, 5.1, 11.5, 7 steps 5.3, 6.2, 11.7; one CTA a row 7.2, 8.3, 11.6.
    prefill: FULL,
  },
  // A draw, which has random bits and two logarithms of each element.
  draw: {
    // 7.7, 8.8, 31.3; 20 steps 8.1, 10.4, 31.6; 4 CTAs of 512 threads 12.4, 12.8, 35.5.
    decode: { cluster: 8, threads: 256, minBlocks: 5, steps: 2 },
    // 20.6, 20.9, 21.7; 5 steps 20.9, 21.3, 22.8; 1024 threads 23.3, 23.8, 24.8.
    prefill: FULL,
  },
  // A row that is loaded more than once.
  walks: {
    decode: { cluster: 8, threads: 256, minBlocks: 5, steps: 2 },
    prefill: { cluster: 2, threads: 1024, minBlocks: 1, steps: 2 },
  },
} as const satisfies Record<string, Teams>;

/** Whether a section has a function of a whole row, or a selection that a warp does not take in rounds. */
export const isSplit = (section: Section, target: Target): boolean =>
  section.values.some((value) => value.kind === 'arg' || (value.kind === 'cut' && !isOfBlocks(value.over))) ||
  isLong(section, target);

function isLong(section: Section, target: Target): boolean {
  const lanes = laneAxes(section);
  if (!section.then || lanes.length === 0) return false;
  const extent = lanes.reduce((product, lane) => product * lane.extent, 1);
  // What a selection gave may be selected from again, by the warp that holds it.
  const again = section.then.then !== undefined;
  return again ? extent > mostHeld(section) : !inRounds(section, extent, slotsOf(section) ?? 0, target);
}

/** Elements that a section's selection takes of each row. */
function slotsOf({ then, values }: Section): number | undefined {
  const top = values.find((value) => value.kind === 'top');
  if (top?.kind !== 'top' || !then) return undefined;
  return Number(then.axes.find(({ axis }) => axis === top.slots)!.extent);
}

/** @throws FORMULA_UNSUPPORTED for a row of more than one axis, or one that is too long. */
export function draftSplit(
  kernel: Kernel,
  section: Section,
  { phase }: Target,
  arch: Architecture,
  override: ScheduleOverride,
): Draft {
  const lanes = laneAxes(section);
  const [lane, other] = lanes;
  const row = section.values.find(({ kind }) => kind === 'arg' || kind === 'cut' || kind === 'top')!;
  requireSameRows(section, section.then);
  if (lane && other && isOfBlocks(lane.axis) && isOfBlocks(other.axis)) {
    throw unsupported(
      section,
      `a selection of ${slotsOf(section)} elements from a row of ${lane.extent * other.extent} in blocks of ${lane.extent}`,
      'as many as one warp takes, of as many as it holds: 64 of 1024',
      row.span,
    );
  }
  if (!lane || other) {
    throw unsupported(
      section,
      `a function of a whole row that lies along ${lanes.map(({ axis }) => axis).join(' and ')}`,
      'rows along one dimension, whose elements lie next to each other',
      row.span,
    );
  }
  const cuts = section.values.some(({ kind }) => kind === 'cut' || kind === 'top');
  const isUnknown = lane.extent >= DYNAMIC_LANE_BOUND;
  if (lane.dynamic || lane.extent > MOST || section.axes.some(({ role }) => role === 'range')) {
    throw unsupported(
      section,
      isUnknown ? 'a row of unknown length' : `a row of ${lane.extent} elements of ${lane.axis}`,
      `rows of at most ${MOST} elements, known when it is compiled`,
      row.span,
      isUnknown ? `make ${lane.axis} static` : `choose fewer ${lane.axis}`,
    );
  }
  const conditional = section.values.find((value) => value.kind === 'top' && value.allowed !== undefined);
  if (conditional) {
    throw unsupported(
      section,
      `a selection under a condition, of ${slotsOf(section)} elements from a row of ${lane.extent}`,
      'a row that one warp selects from',
      conditional.span,
    );
  }
  requireFew(section, lane.extent);
  const maxVectorBits = cuts ? BITS_OF_CUTS : arch.maxVectorBits;
  const choice = chooseVector(kernel, section, { ...arch, maxVectorBits });
  const widest = cuts ? narrowed(choice.vector, section, lane.axis) : choice.vector;
  let vector = Math.min(choice.vector, override.vector ?? widest);
  while (lane.extent % vector !== 0) vector /= 2;
  const units = lane.extent / vector;
  // What a selection gives goes to the threads of one CTA.
  const walks = walksOf(planSweeps(section, 'reload'));
  const draws = section.values.some(({ kind }) => kind === 'random');
  const once = draws ? TEAMS.draw : TEAMS.oneWalk;
  const overCuts = loadsAlong(section, lane.axis) > 1 ? TEAMS.cutsOfSeveral : TEAMS.cuts;
  const team: Team = (cuts ? overCuts : walks > 1 ? TEAMS.walks : once)[phase];
  const cluster = section.then ? 1 : clusterOf(lane.extent, units, team, arch, override);
  const limit = arch.hasClusters && !section.then ? team.threads : Math.min(1024, arch.maxThreadsPerCta);
  const threadsPerRow = threadsOf(units, cluster, cuts, limit, override);
  const residency = override.residency === 'shared' ? 'shared' : 'reload';
  const slots = slotsOf(section);
  const reasons = [
    `${lane.extent} elements a row, ${vector} at a time, ${threadsPerRow} threads of each of ${cluster} CTAs`,
    ...(slots !== undefined && sortsWhole(lane.extent, slots) ? ['sorted whole in shared memory'] : []),
    walks > 1 && residency === 'reload'
      ? 'each pass loads the row again: a batch of such rows stays in the L2 cache'
      : 'one pass over the row, of which nothing is kept',
  ];
  return {
    section,
    threadsPerRow,
    vector,
    cluster,
    residency,
    align: choice.align,
    reasons,
    split: true,
    ...(section.then
      ? { minBlocks: 1 }
      : limit === team.threads && team.minBlocks && { minBlocks: team.minBlocks }),
    ...(team.steps !== undefined && { steps: team.steps }),
    ...(team.streams !== undefined && { streams: team.streams }),
  };
}

/** Half as wide where a thread holds the same elements of several tensors: a CTA of 1024 threads lacks registers for them. */
function narrowed(vector: number, section: Section, lane: Axis): number {
  return loadsAlong(section, lane) > MOST_LOADS ? Math.max(1, vector / 2) : vector;
}

const loadsAlong = (section: Section, lane: Axis): number =>
  section.values.filter(({ kind, axes }) => kind === 'load' && axes.includes(lane)).length;

/** Of a long row a selection has a place in shared memory for each of its elements. */
function requireFew(section: Section, extent: number): void {
  const slots = slotsOf(section);
  const most = mostSelected(extent);
  if (slots === undefined || slots <= most) return;
  const whole = slots === extent;
  throw unsupported(
    section.then!,
    whole
      ? `a selection of all ${extent} elements of a row`
      : `a selection of ${slots} elements from a row of ${extent}`,
    whole
      ? `at most ${MOST_SORTED} elements in a row that is sorted whole`
      : `at most ${most} elements of a row of more than ${MOST_SORTED}, or a row of at most ${MOST_SORTED}`,
    section.values.find(({ kind }) => kind === 'top')!.span,
    whole ? 'sort shorter rows' : 'select fewer elements, or from shorter rows',
  );
}

/** CTAs that share a row: a power of two, each with enough of it. */
function clusterOf(
  extent: number,
  units: number,
  team: Team,
  arch: Architecture,
  override: ScheduleOverride,
): number {
  const limit = arch.hasClusters ? Math.min(arch.maxClusterSize, team.cluster) : 1;
  const wanted = override.cluster ?? limit;
  let cluster = 1;
  const room = (size: number) =>
    units >= size * 32 && (override.cluster !== undefined || extent >= size * PER_CTA);
  while (cluster * 2 <= wanted && room(cluster * 2)) cluster *= 2;
  return cluster;
}

/** Threads of a CTA. Bins are dealt to threads by powers of two; without cuts, as many as leave fewest idle. */
function threadsOf(
  units: number,
  cluster: number,
  cuts: boolean,
  limit: number,
  override: ScheduleOverride,
): number {
  const own = Math.ceil(units / cluster);
  const asked = override.threadsPerRow ?? override.threads;
  if (cuts) {
    let threads = 256;
    while (threads * 2 <= (asked ?? limit) && (asked !== undefined || threads < own)) threads *= 2;
    return threads;
  }
  if (asked !== undefined) return Math.max(32, Math.ceil(asked / 32) * 32);
  const candidates = Array.from({ length: limit / 32 - 3 }, (_, i) => 128 + 32 * i);
  const idle = (threads: number) => (Math.ceil(own / threads) * threads) / own - 1;
  const cost = (threads: number) => Math.abs(Math.log2(threads / limit)) + 4 * idle(threads);
  return candidates.reduce((best, threads) => (cost(threads) < cost(best) ? threads : best));
}
