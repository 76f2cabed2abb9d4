/** A variant, a number of rows and the state of the L2 -> one case, timed in turns with its peers. */

import type { VariantEntry } from '../device/index.js';
import type { CudaDevice, CudaStream, Library } from '../runtime/index.js';
import type { BoundKernel } from '../spec/index.js';
import { floorSeconds, type Ceilings } from './ceilings.js';
import { prepareFlush } from './flush.js';
import { L2_TIMES, rotationOf } from './rotation.js';
import { checkWorkload } from './check.js';
import { prepareEmpty } from './empty.js';
import { GraphTimer, type Timed } from './graph-timer.js';
import { inTurns } from './turns.js';
import { Scope } from '../util/scope.js';
import { operationsOf } from './operations.js';
import type { PeerSession } from './peer-session.js';
import type { BenchCase, PeerResult } from './results.js';
import { round } from './statistics.js';
import { TensorSets } from './tensor-set.js';
import { makeWorkload } from './workload.js';

export interface Bench {
  readonly device: CudaDevice;
  readonly stream: CudaStream;
  readonly library: Library;
  readonly ceilings: Ceilings;
  readonly peers?: PeerSession;
}

export interface Question {
  readonly variant: VariantEntry;
  readonly bound: BoundKernel;
  readonly rows: number;
  readonly cache: 'cold' | 'warm';
}

/** Up to this many rows the cost of a launch matters, and is shown with and without dependent launch. */
const SMALL_ROWS = 128;

export async function measure(bench: Bench, question: Question): Promise<BenchCase> {
  const { device, stream, library, ceilings, peers } = bench;
  const { variant, bound, rows, cache } = question;
  const workload = makeWorkload(bound, variant, rows);
  // Half of what is free: the peers' copies take as much.
  const rotation = rotationOf(
    workload,
    { ceilings, l2Bytes: device.info.l2Bytes },
    cache,
    device.memoryInfo().free * 0.4,
  );
  using sets = new TensorSets(device, workload, rotation.sets);
  using scope = new Scope();
  const flush = rotation.flushed ? prepareFlush(bench, scope) : undefined;
  const timer = (calls: readonly { run: () => void }[]): GraphTimer =>
    scope.use(
      new GraphTimer(
        device,
        stream,
        rotation.calls,
        () => {
          for (let i = 0; i < rotation.calls; i++) calls[i % calls.length]!.run();
        },
        flush,
      ),
    );
  const launches = (dependentLaunch: boolean) =>
    sets.bind(library, variant.id, { stream: stream.handle, dependentLaunch });
  const emptyOf = (dependentLaunch: boolean) => {
    const empty = prepareEmpty(device, stream, variant, workload.dims, dependentLaunch);
    scope.defer(empty.close);
    return [empty];
  };
  // The first launch is the one that is looked at: tensors that are changed in place are new then.
  const first = launches(true);
  first[0]!.run();
  stream.wait();
  const check = checkWorkload(library, bound, variant.id, workload, sets.sets[0]!);

  const { pdl } = variant.launch;
  const timed = new Map<string, Timed>([
    ['own', timer(first)],
    ['empty', timer(emptyOf(pdl))],
  ]);
  const both = pdl && rows <= SMALL_ROWS;
  if (both) {
    timed.set('own, waiting', timer(launches(false)));
    timed.set('empty, waiting', timer(emptyOf(false)));
  }
  const states =
    (await peers?.prepare(
      question.variant,
      workload,
      rotation,
      sets.sets[0]!,
      L2_TIMES * device.info.l2Bytes,
    )) ?? {};
  for (const [name, { absent, error }] of Object.entries(states))
    if (absent === undefined && error === undefined) timed.set(`peer ${name}`, peers!.timed(name));
  const spreads = await inTurns(timed);
  await peers?.release();

  const own = spreads.get('own')!;
  const floor = floorSeconds(ceilings, workload.moved) * 1e6;
  return {
    variant: variant.id,
    kernel: variant.kernel,
    phase: variant.phase,
    rows,
    cache,
    ...rotation,
    moved: workload.moved,
    operations: operationsOf(bound, workload.dims),
    microseconds: own,
    floor: round(floor),
    ofCeiling: round(floor / own.median),
    empty: spreads.get('empty')!,
    ...(both && {
      withoutDependentLaunch: {
        microseconds: spreads.get('own, waiting')!,
        empty: spreads.get('empty, waiting')!,
      },
    }),
    check,
    peers: Object.fromEntries(
      Object.entries(states).map(([name, state]): [string, PeerResult] => {
        const spread = spreads.get(`peer ${name}`);
        return [
          name,
          { ...state, ...(spread && { microseconds: spread, ratio: round(spread.median / own.median) }) },
        ];
      }),
    ),
  };
}
