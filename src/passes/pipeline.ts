/** The ordered list of passes. Formula form goes in, tile form comes out. */

import { architecture } from '../device/arch.js';
import type { Kernel, Target } from '../ir/kernel.js';
import { verify } from '../ir/verify.js';
import type { ScheduleOverride } from '../plan/index.js';
import { assignAxes } from './assign-axes.js';
import { checkLegality } from './check-legality.js';
import { chooseSchedule } from './choose-schedule.js';
import { dependentLaunch } from './dependent-launch.js';
import { hintStreams } from './hint-streams.js';
import { layOutLanes } from './lay-out-lanes.js';
import { lowerSweeps } from './lower-sweeps.js';
import { mergeGuards } from './merge-guards.js';
import { pullScales } from './pull-scales.js';
import { pushPicks } from './push-picks.js';
import { pushRemaps } from './push-remaps.js';
import { simplify } from './simplify.js';
import { splitBlocks } from './split-blocks.js';
import { splitSelections } from './split-selections.js';
import { splitTables } from './split-tables.js';
import { walkDynamic } from './walk-dynamic.js';

export interface Pass {
  readonly name: string;
  readonly run: (kernel: Kernel) => Kernel;
}

export function passes(target: Target, override?: ScheduleOverride): readonly Pass[] {
  const arch = architecture(target.arch);
  return [
    { name: 'split-tables', run: splitTables },
    { name: 'push-picks', run: pushPicks },
    { name: 'split-selections', run: splitSelections },
    { name: 'push-remaps', run: pushRemaps },
    { name: 'walk-dynamic', run: walkDynamic },
    { name: 'split-blocks', run: splitBlocks },
    { name: 'simplify', run: simplify },
    { name: 'pull-scales', run: pullScales },
    { name: 'assign-axes', run: assignAxes },
    { name: 'choose-schedule', run: (kernel) => chooseSchedule(kernel, target, arch, override) },
    { name: 'lay-out-lanes', run: layOutLanes },
    { name: 'lower-sweeps', run: lowerSweeps },
    { name: 'hint-streams', run: hintStreams },
    { name: 'merge-guards', run: mergeGuards },
    { name: 'dependent-launch', run: (kernel) => dependentLaunch(kernel, target, arch) },
    { name: 'check-legality', run: (kernel) => checkLegality(kernel, target, arch) },
  ];
}

/** Called with the kernel before the first pass (`input`) and after each. */
export type Observer = (pass: string, kernel: Kernel) => void;

/**
 * Runs every pass. The verifier runs at both ends, and after each pass where an observer looks on.
 *
 * @throws SCHEDULE_ILLEGAL, TARGET_UNSUPPORTED or FORMULA_UNSUPPORTED where the kernel cannot be scheduled.
 */
export function runPasses(
  input: Kernel,
  target: Target,
  options: { override?: ScheduleOverride; observe?: Observer } = {},
): Kernel {
  verify(input, 'input');
  options.observe?.('input', input);
  const output = passes(target, options.override).reduce((kernel, pass) => {
    const next = pass.run(kernel);
    if (options.observe) {
      verify(next, pass.name);
      options.observe(pass.name, next);
    }
    return next;
  }, input);
  verify(output, 'output');
  return output;
}
