/** Compiles a kernel of a PTX module to JavaScript and runs launches of it. */

import { RoseError } from '../util/errors.js';
import { ALL_CHECKS, NO_CHECKS } from './checks/checks.js';
import type { Checks } from './checks/checks.js';
import { generate } from './codegen/generate.js';
import { MACHINE_NAMES } from './environment.js';
import { intrinsics } from './intrinsics/index.js';
import type { CompiledKernel, Dim3, LaunchOptions, LaunchResult } from './launch-options.js';
import { lower } from './lower/index.js';
import { Machine, awaitsOthers } from './machine.js';
import { residentBlocks } from './occupancy.js';
import type { PtxModule } from './ptx/ast.js';
import type { Program } from './program.js';
import { faultError } from './report.js';

export interface SimKernel extends CompiledKernel {
  /** Machines by launch shape: generated code keeps what it has learnt about its arrays. */
  readonly machines: Map<string, Machine>;
}

/**
 * Lowers and generates a kernel.
 * @param entry name of the kernel; may be left out where the module has one
 * @throws RoseError PTX_UNSUPPORTED where an instruction is not modelled, USAGE where there is no such kernel
 */
export function compileKernel(module: PtxModule, entry?: string): SimKernel {
  const found = entry === undefined ? module.entries[0] : module.entries.find(({ name }) => name === entry);
  if (!found || (entry === undefined && module.entries.length !== 1)) {
    throw new RoseError({
      code: 'USAGE',
      message:
        entry === undefined
          ? 'the module does not have exactly one kernel'
          : `the module has no kernel "${entry}"`,
      place: { file: module.source.file },
      actual: module.entries.map(({ name }) => name).join(', ') || 'no kernel',
      next: 'name one of the kernels that are there',
    });
  }
  const program = lower(module, found);
  const library = Object.keys(intrinsics());
  const names = [...MACHINE_NAMES, ...library];
  return { program, generated: generate(program, names), names, machines: new Map() };
}

export function simulate(kernel: SimKernel, options: LaunchOptions): LaunchResult {
  const { program } = kernel;
  const block = triple(options.block);
  const cluster = triple(options.cluster ?? program.entry.requiredCluster ?? 1);
  const grid = triple(options.grid);
  guard(program, options, grid, block, cluster);
  const checks = checksOf(options.checks);
  const dynamicBytes = options.dynamicSharedBytes ?? 0;
  const multiprocessors = options.multiprocessors ?? 132;
  const profile = options.profile === true;
  const clusterSize = product(cluster);
  let slots = clusterSize;
  if (awaitsOthers(program)) {
    const resident = residentBlocks({
      threads: Math.ceil(product(block) / 32) * 32,
      sharedBytes: program.layout.dynamicStart + dynamicBytes,
      registers: options.registersPerThread,
      clusterSize,
      multiprocessors,
    });
    slots = Math.min(resident, product(grid));
  }
  const shape = { block, cluster, dynamicBytes, checks, multiprocessors, profile, slots };
  const key = JSON.stringify(shape);
  let machine = kernel.machines.get(key);
  if (machine?.memory !== options.memory) {
    machine = new Machine(kernel, options.memory, shape);
    kernel.machines.set(key, machine);
  }
  const result = machine.launch(grid, options);
  if (options.throwOnFault && result.reports.length) throw faultError(program, result.reports);
  return result;
}

function checksOf(checks: LaunchOptions['checks']): Checks {
  if (checks === 'none') return NO_CHECKS;
  return checks === undefined || checks === 'all' ? ALL_CHECKS : { ...NO_CHECKS, ...checks };
}

function triple(dim: Dim3): [number, number, number] {
  return typeof dim === 'number' ? [dim, 1, 1] : [dim[0], dim[1] ?? 1, dim[2] ?? 1];
}

const product = ([x, y, z]: readonly [number, number, number]): number => x * y * z;

function guard(
  program: Program,
  options: LaunchOptions,
  grid: readonly [number, number, number],
  block: readonly [number, number, number],
  cluster: readonly [number, number, number],
): void {
  const refuse = (message: string, actual: string, expected: string): never => {
    throw new RoseError({
      code: 'LAUNCH_GUARD',
      message: `${program.entry.name}: ${message}`,
      actual,
      expected,
      next: 'launch with the values that the manifest gives',
    });
  };
  const { requiredThreads, maximumThreads } = program.entry;
  const text = (dims: readonly number[]): string => dims.join(' x ');
  if (requiredThreads && text(requiredThreads) !== text(block))
    refuse('the block does not have the shape that the kernel requires', text(block), text(requiredThreads));
  if (maximumThreads && product(block) > product(maximumThreads))
    refuse('the block is larger than the kernel allows', text(block), `at most ${text(maximumThreads)}`);
  if (product(block) > 1024 || product(block) < 1)
    refuse('a block has 1 to 1024 threads', text(block), '1 to 1024');
  if (grid.some((n) => n < 1)) refuse('a grid has at least one block', text(grid), 'at least 1 x 1 x 1');
  if (grid.some((n, axis) => n % cluster[axis]! !== 0))
    refuse('the grid is not a multiple of the cluster', text(grid), `a multiple of ${text(cluster)}`);
  if (options.args && options.args.length !== program.entry.parameters.length)
    refuse(
      'the number of arguments is wrong',
      `${options.args.length}`,
      `${program.entry.parameters.length}`,
    );
}
