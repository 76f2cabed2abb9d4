/** A variant -> schedules worth timing beside the compiler's own, each once. */

import { isRejection, renderVariant } from '../build/index.js';
import { printKernel, type Kernel } from '../ir/index.js';
import type { PlannedVariant, ScheduleOverride } from '../plan/index.js';
import type { KernelSpec } from '../spec/index.js';

const MOST_THREADS = 1024;
/** Rows of a CTA. */
const MULTIPLES = [1, 2, 4, 8, 16, 32];
const CHUNKS = [512, 1024, 2048, 4096, 8192];
const CTAS_PER_SM = [1, 2, 4, 8];
const CLUSTERS = [1, 2, 4];
const AHEAD = ['none', 'prefetch', 'signal', 'both'] as const;
const STEPS = [2, 4, 8];
const WALKS = [1, 2, 4, 8];
const STREAMS = ['loads', 'stores', 'all', 'no-allocate'] as const;

/** Schedules of this variant that are legal and differ from the compiler's own and from each other. */
export function candidatesOf(variant: PlannedVariant, spec: KernelSpec): readonly ScheduleOverride[] {
  const render = (schedule?: ScheduleOverride): Kernel | undefined => {
    const { schedule: _, tunedOn: __, ...plain } = variant;
    try {
      return renderVariant(schedule ? { ...plain, schedule } : plain, spec).kernel;
    } catch (error) {
      if (isRejection(error)) return undefined;
      throw error;
    }
  };
  const own = render();
  if (!own) return [];
  const seen = new Set([identity(own)]);
  return space(own).filter((schedule) => {
    const kernel = render(schedule);
    if (!kernel) return false;
    const text = identity(kernel);
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}

/** Around the compiler's own choice: threads a row and of a CTA together, everything else one at a time. */
function space(own: Kernel): readonly ScheduleOverride[] {
  const threadsPerRow = Math.max(...own.sections.map((section) => section.schedule!.threadsPerRow));
  const vector = Math.max(...own.sections.map((section) => section.schedule!.vector));
  const spread = [0.25, 0.5, 1, 2, 4, 8]
    .map((times) => threadsPerRow * times)
    .filter((threads) => threads >= 1 && threads <= MOST_THREADS && Number.isInteger(threads));
  return [
    ...spread.flatMap((each) =>
      MULTIPLES.map((rows) => each * rows)
        .filter((threads) => threads >= 32 && threads <= MOST_THREADS)
        .map((threads) => ({ threadsPerRow: each, threads })),
    ),
    ...spread
      .filter((each) => each >= threadsPerRow)
      .flatMap((each) =>
        STREAMS.map((streams) => ({ threadsPerRow: each, threads: Math.max(32, each), streams })),
      ),
    ...(vector > 1 ? [{ vector: vector / 2 }, { vector: vector / 2, ahead: 'both' as const }] : []),
    ...CHUNKS.map((chunk) => ({ chunk })),
    ...CHUNKS.flatMap((chunk) => [64, 256].map((threads) => ({ chunk, threads }))),
    ...CTAS_PER_SM.map((ctasPerSm) => ({ ctasPerSm })),
    ...CLUSTERS.map((cluster) => ({ cluster })),
    ...STREAMS.map((streams) => ({ streams })),
    ...[0, 1].map((minBlocks) => ({ minBlocks })),
    ...AHEAD.map((ahead) => ({ ahead })),
    ...STEPS.map((steps) => ({ steps })),
    ...WALKS.flatMap((walk) => [
      { walk },
      { walk, streams: 'stores' as const },
      ...[64, 256].map((threads) => ({ walk, threads })),
    ]),
  ];
}

/** The kernel but for why it is as it is; cache hints are on its views. */
function identity(kernel: Kernel): string {
  const { streams: _, ...schedule } = kernel.schedule!;
  return printKernel({ ...kernel, schedule: { ...schedule, reasons: [] } });
}
