/** Counts of a simulated launch as text for people. */

import type { ProfileReport } from '../verify/profile-variant.js';

export function profileText({ problem, profile, needed }: ProfileReport): string {
  const { global, shared, instructions } = profile;
  const bytes = (count: number): string => count.toLocaleString('en-US').padStart(12);
  const ratio = (moved: number, wanted: number): string =>
    wanted === 0 ? '' : `${(moved / wanted).toFixed(2)} of what the operation needs`;
  const perRequest = (traffic: { readonly requests: number; readonly sectors: number }): string =>
    traffic.requests === 0
      ? 'none'
      : `${(traffic.sectors / traffic.requests).toFixed(2)} sectors of 32 bytes a request`;
  const conflicts = shared.load.conflicts + shared.store.conflicts + shared.atomic.conflicts;
  const passes = shared.load.passes + shared.store.passes + shared.atomic.passes;
  const widest = Math.max(...Object.keys(instructions).map((name) => name.length));
  return [
    `one launch with ${problem}, ${profile.blocks} CTAs: counts of warps, exact`,
    '',
    `global loads  ${bytes(global.load.bytes)} bytes  ${ratio(global.load.bytes, needed.read)}; ${perRequest(global.load)}`,
    `global stores ${bytes(global.store.bytes)} bytes  ${ratio(global.store.bytes, needed.written)}; ${perRequest(global.store)}`,
    ...(global.atomic.requests > 0 ? [`global atomics ${bytes(global.atomic.bytes)} bytes`] : []),
    `shared memory ${bytes(shared.load.bytes + shared.store.bytes)} bytes  ${conflicts} bank conflicts in ${passes} passes`,
    `active lanes  ${(100 * profile.activeLanes).toFixed(1).padStart(12)} %`,
    `barriers      ${bytes(profile.barriers)}`,
    '',
    ...Object.entries(instructions).map(([name, count]) => `${name.padEnd(widest)} ${bytes(count)}`),
  ].join('\n');
}
