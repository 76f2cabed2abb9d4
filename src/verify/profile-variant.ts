/** A variant -> exact counts of one launch in the simulator, beside the bytes that its operation has to move. */

import { compileKernel, parsePtx, type Profile } from '../sim/index.js';
import type { BoundTensor } from '../spec/index.js';
import { layoutOf } from './layout.js';
import { Launcher } from './launch.js';
import { problemOfRows } from './problems.js';
import { evaluateReference } from './reference/index.js';
import { rolesOf } from './roles.js';
import { bytesOf } from './storage.js';
import type { Problem, Subject } from './types.js';

export interface ProfileReport {
  /** Such as `tokens=32`. */
  readonly problem: string;
  readonly profile: Profile;
  /** Bytes of every element that the formula reads and writes, each once. */
  readonly needed: { readonly read: number; readonly written: number };
}

/** @throws PTX_SYNTAX, PTX_UNSUPPORTED, SIM_LIMIT */
export function profileVariant(subject: Subject, rows: number): ProfileReport {
  const { bound, variant, ptx } = subject;
  const kernel = compileKernel(parsePtx(ptx, `${variant.id}.ptx`), variant.entry);
  const { name, problem, multiprocessors } = problemOfRows(bound, variant, rows);
  const launcher = new Launcher(bound, variant, kernel);
  const { profile } = launcher.run(problem, { checks: 'none', profile: true, multiprocessors });
  if (!profile) throw new Error(`${variant.id} was not launched`);
  return { problem: name, profile, needed: neededBytes(subject, problem) };
}

function neededBytes({ bound, variant }: Subject, problem: Problem): ProfileReport['needed'] {
  const roles = rolesOf(bound);
  const elements = (tensor: BoundTensor): number =>
    layoutOf(tensor, variant, problem.extents).shape.reduce((product, extent) => product * extent, 1);
  let read = 0;
  let written = 0;
  const references = evaluateReference(bound, problem);
  for (const tensor of bound.tensors) {
    const size = bytesOf(tensor.dtype);
    if (tensor.access !== 'out') read += size * readElements(tensor, elements(tensor));
    const reference = references.get(tensor.name);
    if (reference) written += size * reference.written.reduce((sum, flag) => sum + flag, 0);
  }
  return { read, written };

  /** Of a tensor that is gathered from, one row for each index; of any other, all of it. */
  function readElements(tensor: BoundTensor, all: number): number {
    const gathers = bound.tensors.filter((index) =>
      roles.indices.get(index.name)?.some(({ kind, target }) => kind === 'gather' && target === tensor.name),
    );
    if (gathers.length === 0 || all === 0) return all;
    const reached = tensor.modes.filter(({ dim }) => roles.targets.has(dim));
    const rows = reached.reduce((product, { dim }) => product * problem.extents[dim]!, 1);
    return (all / rows) * Math.min(rows, elements(gathers[0]!));
  }
}
