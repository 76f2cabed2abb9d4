/** Why nobody can go on, said once a group of CTAs. */

import type { FaultKind } from '../report.js';
import { lineOf } from './options.js';
import type { Ready, SchedulerOptions } from './options.js';
import type { Threads } from './threads.js';

/** All that are left only spin. @param more whether CTAs are left that there is no room for */
export function reportSpin(o: SchedulerOptions, spin: Ready, groups: number, more: boolean): void {
  const { instruction } = o.program.points[spin.stretch - 1]!;
  const g = spin.slot * o.threadStride + spin.threads[0]!;
  const count = groups * o.clusterSize;
  if (more)
    o.report('not-co-resident', g, instruction, {
      detail: `the grid waits for blocks that cannot start: only ${count} fit on the device at once`,
    });
  else
    o.report('deadlock', g, instruction, {
      detail: 'all threads that are left wait here for a value that nobody will write',
    });
}

/** Threads wait at barriers or warp instructions for others that never come. */
export function reportDeadlock(o: SchedulerOptions, threads: Threads, first: number): void {
  const { program, threadStride, clusterSize, at } = o;
  const places = new Map<number, { count: number; g: number }>();
  for (let g = first * threadStride; g < (first + clusterSize) * threadStride; g++) {
    if (!threads.isLive(g)) continue;
    const place = places.get(at[g]!) ?? { count: 0, g };
    place.count++;
    places.set(at[g]!, place);
  }
  const all = [...places].map(([point, { count, g }]) => ({ point: program.points[point]!, count, g }));
  const text = all.map(
    ({ point, count }) =>
      `${count} threads at ${point.action.kind === 'warp' ? point.action.name : point.action.kind} (PTX line ${lineOf(program, point)})`,
  );
  const warp = all.find(({ point }) => point.action.kind === 'warp');
  const barrier = all.find(
    ({ point }) => point.action.kind === 'barrier' || point.action.kind === 'cluster-wait',
  );
  const worst = warp ?? barrier ?? all[0];
  if (!worst) return;
  const kind: FaultKind = warp ? 'divergent-shuffle' : 'deadlock';
  const detail = warp
    ? `the lanes of its member mask never all come: ${text.join(', ')}`
    : `the threads wait for each other for ever: ${text.join(', ')}`;
  o.report(kind, worst.g, worst.point.instruction, { detail });
}
