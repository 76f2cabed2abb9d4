/**
 * choose-schedule: decides how rows and lanes are spread over the hardware.
 *
 * Before: axes with roles.   After: threads of a CTA, and a section's vector width, threads a row and rows a CTA; a long
 * axis that nothing reduces is cut in chunks that become rows. Decode spreads one row over as many threads as it can
 * feed (latency); prefill gives each thread a few vectors (bytes in flight, fewer reductions).
 * Refuses what no residency can hold, with the numbers.
 */

import type { Architecture } from '../device/arch.js';
import type {
  Ahead,
  AxisInfo,
  Kernel,
  LaneAxis,
  Residency,
  Schedule,
  Section,
  SectionSchedule,
  Target,
} from '../ir/kernel.js';
import { dtypeBytes } from '../ir/dtype.js';
import type { ScheduleOverride } from '../plan/index.js';
import { contiguousAxis } from './assign-axes.js';
import { countingCtas, countingThreads } from './choose-counters.js';
import { draftSelection, isSelection } from './choose-selection.js';
import { draftSplit, isSplit } from './choose-split.js';
import { chooseVector, tensorOf } from './choose-vector.js';
import { planSweeps } from './lower/sweeps.js';
import type { Draft } from './schedule-draft.js';
import { gcd, laneAxes, largestDivisor, mayHoldThreads } from './lane-axes.js';
import { pushAlong } from './push-remaps.js';
import { innerAxis, outerAxis, splitAxis } from './split-axis.js';
import { defaultWalk, walkRows } from './walk-rows.js';

/** f32 elements of a row that one thread may hold in registers: about half of its 255 registers. */
const MAX_ELEMENTS_IN_REGISTERS = 64;
/** Threads that share a row in one CTA: with twice as many, a thread would have 64 registers and spill. */
const MAX_THREADS_PER_ROW = 512;
/** Threads that share a row whose length is known only at launch. */
const DYNAMIC_ROW_THREADS = 256;
/** Elements of 16 bits in an access of 16 bytes. */
const ONE_ACCESS = 8;
const WARP = 32;
/** Threads of a CTA on every architecture. */
const MAX_THREADS = 1024;
/** Threads of a CTA in the prefill schedule unless a row needs more: small CTAs overlap their barriers. */
const PREFILL_THREADS = 128;

export function chooseSchedule(
  kernel: Kernel,
  target: Target,
  arch: Architecture,
  override: ScheduleOverride = {},
): Kernel {
  const walk = override.walk ?? (target.phase === 'prefill' ? defaultWalk(kernel) : 1);
  const drafts = kernel.sections.map((section) =>
    isSplit(section, target)
      ? draftSplit(kernel, section, target, arch, override)
      : isSelection(section)
        ? draftSelection(kernel, section, arch, override)
        : draftSection(kernel, section, target, arch, override, walk),
  );
  const cluster = Math.max(...drafts.map((draft) => draft.cluster));
  const split = drafts.some((draft) => draft.split);
  const counters = countingCtas(drafts, target, arch, override);
  const threads = split
    ? Math.max(...drafts.map((draft) => draft.threadsPerRow))
    : ctaThreads(drafts, target, arch, override, counters);
  // A selection works on registers, whatever is asked for.
  const asked = split || kernel.sections.some(isSelection) ? undefined : override.residency;
  const residency = asked ?? worstResidency(drafts.map((draft) => draft.residency));
  const sections = drafts.map((draft) => {
    const { section, vector, threadsPerBlock, split: long } = draft;
    const perRow = fitDivisor(draft, threads);
    const schedule: SectionSchedule = {
      threadsPerRow: perRow,
      rowsPerCta: threads / perRow,
      vector,
      ...(threadsPerBlock !== undefined && { threadsPerBlock }),
      ...(long && { split: true }),
    };
    return { ...section, schedule, ...(section.then && { then: laterParts(section.then, schedule) }) };
  });
  const reasons = [
    ...drafts.flatMap((draft) =>
      draft.reasons.map((why) => (draft.section.name === '' ? why : `${draft.section.name}: ${why}`)),
    ),
    `${threads} threads a CTA`,
    ...(counters > 1 ? [`a cluster of ${counters} CTAs counts the rows once for all of them`] : []),
  ];
  // The CTAs of several sections are told apart by their index, which a persistent grid reuses.
  // Who counts all rows does it once for many tiles, where there are many.
  const countsAll = target.phase === 'prefill' && sections.some((section) => section.tables);
  const ctasPerSm = override.ctasPerSm ?? (countsAll ? 1 : undefined);
  // Ranks go on from tile to tile within a warp: where several threads share a row, they do not.
  const isOneTile = sections.some(({ tables, schedule }) => tables && schedule.threadsPerRow > 1);
  const persistent =
    ctasPerSm === undefined || sections.length > 1 || isOneTile ? {} : { persistent: { ctasPerSm } };
  const streams = override.streams ?? drafts.find((draft) => draft.streams !== undefined)?.streams;
  const steps = override.steps ?? drafts.find((draft) => draft.steps !== undefined)?.steps;
  const ahead = override.ahead ?? defaultAhead(kernel, target);
  const minBlocks =
    override.minBlocks ??
    Math.max(
      countsAll || drafts.some((draft) => walks(draft) || gathers(draft)) ? 1 : 0,
      ...drafts.map((draft) => draft.minBlocks ?? 0),
    );
  const schedule: Schedule = {
    threads,
    cluster,
    ...(counters > 1 && { counters }),
    residency,
    ...persistent,
    ...(minBlocks > 0 && { minBlocks }),
    ...(steps !== undefined && (split || counters > 1 || drafts.some(gathers)) && { steps }),
    ...(ahead !== 'none' && target.dependentLaunch && arch.hasDependentLaunch && { ahead }),
    ...(streams !== undefined && { streams }),
    reasons,
  };
  const align = new Map<string, number>();
  for (const { align: needs } of drafts)
    for (const [name, bytes] of needs) align.set(name, Math.max(bytes, align.get(name) ?? 0));
  return {
    ...kernel,
    schedule,
    sections,
    tensors: kernel.tensors.map((tensor) => ({
      ...tensor,
      align: Math.max(tensor.align, align.get(tensor.name) ?? dtypeBytes(tensor.dtype)),
    })),
    scalars: kernel.scalars.map((scalar) =>
      scalar.source.kind === 'stride'
        ? { ...scalar, multipleOf: strideMultiple(kernel, scalar.source.tensor, align) }
        : scalar,
    ),
  };
}

/**
 * A few rows take less time than a launch: what is done before the previous kernel has ended is time saved. Many rows keep the
 * memory busy whatever comes before them.
 */
function defaultAhead({ sections }: Kernel, target: Target): Ahead | 'none' {
  const oneSweep = sections.every((section) => !section.then && !section.tables && !isSplit(section, target));
  return target.phase === 'decode' && oneSweep ? 'both' : 'none';
}

/** Positions that a thread walks: their loads should be in flight together, which takes registers. */
const walks = ({ section }: Draft): boolean => section.axes.some(({ walked }) => walked);

/** So should those of the rows that a range gathers. */
const gathers = ({ section }: Draft): boolean =>
  section.values.some(
    ({ kind, axes }) =>
      kind === 'load' && section.axes.some(({ axis, role }) => role === 'range' && axes.includes(axis)),
  );

/** A stride argument must keep every row as aligned as the pointer. */
function strideMultiple(kernel: Kernel, tensor: string, align: ReadonlyMap<string, number>): number {
  const bytes = dtypeBytes(tensorOf(kernel, tensor).dtype);
  return Math.max(1, (align.get(tensor) ?? bytes) / bytes);
}

/** The parts after a selection: the same threads and rows, one element at a time. */
function laterParts(part: Section, first: SectionSchedule): Section {
  const { threadsPerRow, rowsPerCta } = first;
  const schedule = { threadsPerRow, rowsPerCta, vector: 1 };
  return { ...part, schedule, ...(part.then && { then: laterParts(part.then, first) }) };
}

function draftSection(
  kernel: Kernel,
  whole: Section,
  target: Target,
  arch: Architecture,
  override: ScheduleOverride,
  walk: number,
): Draft {
  const reasons: string[] = [];
  const choice = chooseVector(kernel, whole, arch);
  const vector = Math.min(override.vector ?? defaultVector(whole, choice.vector, target), choice.vector);
  const align = choice.align;
  const note = (why: string) => void reasons.push(why);
  const section = walkRows(chunkRows(whole, vector, target, override, note), vector, override, walk, note);
  const lanes = laneAxes(section);
  const elements = lanes.reduce((product, lane) => product * lane.extent, 1);
  const spread = spreadableVectors(section, lanes, vector);
  // A range is walked row by row: what keeps memory busy there is threads, not vectors a thread.
  const walks = section.axes.some((info) => info.role === 'range');
  const dynamic = lanes[0]?.dynamic ?? false;
  const length = dynamic ? 'a number known only at launch of' : String(elements);
  const reduces = section.values.some((value) => value.kind === 'reduce');
  // Several vectors a thread save steps of a reduction, and nothing where there is none.
  const perThreadVectors =
    target.phase === 'decode' || walks || !reduces ? 1 : Math.max(1, Math.floor(32 / vector));
  const fits = (threads: number) => threadsFit(section, lanes, vector, threads);
  // A row of at most a warp's vectors leaves room for many rows a CTA: one vector a thread keeps registers free.
  const wantedThreads = (vectors: number) =>
    dynamic ? DYNAMIC_ROW_THREADS : vectors <= 32 ? vectors : Math.ceil(vectors / perThreadVectors);
  const threadsFor = (vectors: number) =>
    override.threadsPerRow === undefined
      ? legalThreads(wantedThreads(vectors), vectors, MAX_THREADS_PER_ROW, fits)
      : legalThreads(override.threadsPerRow, vectors, arch.maxThreadsPerCta, fits);
  const draft = { section, vector, align, reasons, fits };
  // CTAs of sections side by side are of one launch: they would all have to be clusters.
  const mayCluster = reduces && kernel.sections.length === 1;
  for (const cluster of clusterSizes(arch, mayCluster, override)) {
    const vectors = spread / cluster;
    const threadsPerRow = threadsFor(Math.ceil(vectors));
    const perThread = Math.ceil(elements / cluster / threadsPerRow);
    // CTAs share a row along one axis, in whole vectors of all their threads.
    const shares = lanes.length === 1 && Number.isInteger(vectors) && vectors % threadsPerRow === 0;
    if (cluster > 1 && !shares) continue;
    if (reduces && perThread > registerElements(threadsPerRow, arch)) continue;
    reasons.push(`${length} elements a row, ${vector} at a time, ${threadsPerRow} threads a row`);
    if (cluster > 1)
      reasons.push(`a cluster of ${cluster} CTAs shares a row, which does not fit in the registers of one`);
    return { ...draft, threadsPerRow, cluster, residency: 'registers' };
  }
  const threadsPerRow = threadsFor(spread);
  reasons.push(`${length} elements a row, ${vector} at a time, ${threadsPerRow} threads a row`);
  const padded = Math.ceil(spread / threadsPerRow) * threadsPerRow * (elements / spread);
  const kept = planSweeps(section, 'shared').sweeps.flatMap((sweep) => sweep.kept);
  const rowBytes = kept.reduce((sum, id) => sum + dtypeBytes(section.values[id]!.dtype) * padded, 0);
  if (rowBytes <= arch.maxSharedMemoryPerCta - 1024) {
    reasons.push(
      rowBytes === 0
        ? 'one pass over the row, of which nothing is kept'
        : 'the row stays in shared memory: it does not fit in registers',
    );
    return { ...draft, threadsPerRow, cluster: 1, residency: 'shared' };
  }
  // What a thread does not keep it cannot read at another position: the inputs are read there instead.
  if (section.values.some((value) => value.kind === 'remap')) {
    const pushed = pushAlong(whole, () => true);
    return draftSection(kernel, pushed, target, arch, override, walk);
  }
  const why = dynamic
    ? 'its length is known only at launch'
    : `${rowBytes} bytes do not fit in shared memory`;
  reasons.push(`each pass loads the row again: ${why}`);
  return { ...draft, threadsPerRow, cluster: 1, residency: 'reload' };
}

/** A row of one or two warps' vectors has threads to spare where rows are few: each takes no more than one access brings. */
function defaultVector(section: Section, widest: number, { phase }: Target): number {
  const elements = laneAxes(section).reduce((product, lane) => product * lane.extent, 1);
  const vectors = elements / widest;
  const few = vectors > WARP && vectors <= 2 * WARP;
  return phase === 'decode' && widest > ONE_ACCESS && few ? widest / 2 : widest;
}

/** Lane vectors that threads may be spread over: those of the contiguous axis, and of others reduced only together with it. */
function spreadableVectors(section: Section, lanes: readonly LaneAxis[], vector: number): number {
  const [first, ...others] = lanes;
  if (!first) return 1;
  const vectors = Math.ceil(first.extent / vector);
  return others.reduce(
    (product, lane) => product * (mayHoldThreads(section, lane.axis, first.axis) ? lane.extent : 1),
    vectors,
  );
}

/** Whether several lane axes can share exactly `threads` threads; a single one always can, with idle lanes at its end. */
function threadsFit(section: Section, lanes: readonly LaneAxis[], vector: number, threads: number): boolean {
  if (lanes.length <= 1) return true;
  return (
    lanes.reduce((left, lane, i) => {
      const units = i === 0 ? Math.ceil(lane.extent / vector) : lane.extent;
      return i === 0 || mayHoldThreads(section, lane.axis, lanes[0]!.axis) ? left / gcd(left, units) : left;
    }, threads) === 1
  );
}

/** Cuts a contiguous axis that nothing reduces in chunks, so that one long row is spread over many CTAs. */
function chunkRows(
  section: Section,
  vector: number,
  target: Target,
  override: ScheduleOverride,
  note: (why: string) => void,
): Section {
  const axis = contiguousAxis(section);
  const info = section.axes.find((entry) => entry.axis === axis && entry.role === 'lane');
  if (axis === undefined || typeof info?.extent !== 'number' || info.extent % vector !== 0) return section;
  const fixed = section.values.some(
    (value) =>
      (value.kind === 'reduce' && value.over.includes(axis)) ||
      (value.kind === 'remap' && value.axis === axis),
  );
  const vectors = info.extent / vector;
  const limit =
    override.chunk !== undefined
      ? override.chunk / vector
      : target.phase === 'decode'
        ? PREFILL_THREADS
        : PREFILL_THREADS * 2;
  if (fixed || vectors <= limit || section.tables) return section;
  const chunk = largestDivisor(vectors, limit);
  if (chunk < 16) return section;
  const length = chunk * vector;
  note(`${axis} is cut in ${info.extent / length} chunks of ${length}: nothing reduces it`);
  const split = splitAxis(section, axis, length);
  const [outer, inner] = [outerAxis(axis, length), innerAxis(axis, length)];
  const rank = (entry: AxisInfo) =>
    entry.axis === outer ? 1 : entry.role === 'row' ? 0 : entry.axis === inner ? 2 : 3;
  const axes = split.axes.map((entry): AxisInfo =>
    entry.axis === outer ? { ...entry, role: 'row' } : entry,
  );
  return { ...split, axes: axes.sort((a, b) => rank(a) - rank(b)) };
}

/** Threads a row near `wanted`: a power of two within a warp, whole warps beyond; without idle lanes where possible. */
function legalThreads(
  wanted: number,
  vectors: number,
  limit: number,
  fits: (threads: number) => boolean,
): number {
  const counts = [1, 2, 4, 8, 16, ...Array.from({ length: limit / 32 }, (_, i) => 32 * (i + 1))];
  const candidates = counts.filter(fits);
  const tilesOf = (threads: number) => Math.ceil(vectors / threads);
  const idle = (threads: number) => (tilesOf(threads) * threads - vectors) / vectors;
  const cost = (threads: number) =>
    Math.abs(Math.log2(threads / Math.min(wanted, limit))) + 8 * idle(threads);
  return candidates.reduce((best, threads) => (cost(threads) < cost(best) ? threads : best));
}

/** Clusters to try, smallest first: only a reduced row needs more than one CTA. */
function clusterSizes(arch: Architecture, allowed: boolean, override: ScheduleOverride): readonly number[] {
  if (override.cluster !== undefined && allowed) return [override.cluster];
  return [1, 2, 4, 8].filter(
    (size) => size === 1 || (allowed && arch.hasClusters && size <= arch.maxClusterSize),
  );
}

/** f32 elements that a thread can hold, with as many more registers for inputs and weights, when a CTA has `threads`. */
function registerElements(threads: number, arch: Architecture): number {
  return Math.min(MAX_ELEMENTS_IN_REGISTERS, Math.floor((arch.registersPerSm / threads - 32) / 2));
}

function ctaThreads(
  drafts: readonly Draft[],
  target: Target,
  arch: Architecture,
  override: ScheduleOverride,
  counters: number,
): number {
  const widest = Math.max(...drafts.map((draft) => draft.threadsPerRow));
  // Whole rows of one section; several sections share what is asked for as they can.
  const sections = drafts.map(({ section }) => section);
  const counts = sections.some(({ tables }) => tables);
  if (override.threads !== undefined && override.threads >= widest) {
    // Whole warps rank.
    const unit = drafts.length > 1 ? 1 : counts && WARP % widest === 0 ? WARP : widest;
    return Math.max(unit, override.threads - (override.threads % unit));
  }
  const base = counts
    ? countingThreads(sections, target, arch, counters)
    : target.phase === 'decode'
      ? 32
      : PREFILL_THREADS;
  // A cluster has one row: more of a CTA's threads would write where its others do.
  const isShared = drafts.some((draft) => draft.cluster > 1);
  const rows = isShared ? 1 : Math.ceil(Math.max(widest, base) / widest);
  return Math.max(1, Math.min(rows, Math.floor(MAX_THREADS / widest))) * widest;
}

/** The threads of a row where they divide the CTA, else the next smaller power of two that does and that the lanes can share. */
function fitDivisor({ threadsPerRow, fits }: Draft, cta: number): number {
  if (cta % threadsPerRow === 0) return threadsPerRow;
  let fit = 1;
  for (let threads = 2; threads <= threadsPerRow && cta % threads === 0; threads *= 2)
    if (fits?.(threads) ?? true) fit = threads;
  return fit;
}

function worstResidency(all: readonly Residency[]): Residency {
  return all.includes('reload') ? 'reload' : all.includes('shared') ? 'shared' : 'registers';
}
