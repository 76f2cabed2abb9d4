/** The peers of a bench: their inputs as files, their outputs against ours. */

import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VariantEntry } from '../device/index.js';
import { decode } from '../runtime/index.js';
import type { Timed } from './graph-timer.js';
import type { Rotation } from './rotation.js';
import { Peers, type PeerReady, type PeerState } from './peers.js';
import type { PeerResult } from './results.js';
import { round } from './statistics.js';
import type { TensorSet } from './tensor-set.js';
import type { Workload } from './workload.js';

/** Memory as files, where a machine has it. */
const SHARED_MEMORY = '/dev/shm';
/** Elements of an output that are compared: spread over all of it. */
const COMPARED = 2 ** 20;

export class PeerSession implements AsyncDisposable {
  private constructor(
    private readonly process: Peers,
    private readonly names: readonly string[],
    private readonly folder: string,
    readonly ready: PeerReady,
  ) {}

  /** @throws PEERS */
  static async open(
    names: readonly string[],
    python: string,
    command?: readonly string[],
  ): Promise<PeerSession> {
    const peers = new Peers(python, command);
    try {
      const ready = await peers.ready();
      const shared = (await stat(SHARED_MEMORY).catch(() => undefined))?.isDirectory() ?? false;
      const folder = await mkdtemp(join(shared ? SHARED_MEMORY : tmpdir(), 'rose-gen-bench-'));
      return new PeerSession(peers, names, folder, ready);
    } catch (error) {
      await peers[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Readies the peers for a workload. @param own what our launch left. @throws PEERS */
  async prepare(
    { kernel, types, flags }: VariantEntry,
    workload: Workload,
    { sets, calls, flushed }: Rotation,
    own: TensorSet,
    flushBytes: number,
  ): Promise<Readonly<Record<string, PeerResult>>> {
    const tensors = await Promise.all(
      workload.tensors.map(async (tensor) => {
        const { name, entry, shape } = tensor;
        const file = join(this.folder, `${name}.bin`);
        if (entry.access !== 'out') await writeFile(file, workload.contents(tensor));
        return { name, role: entry.access, dtype: entry.dtype, shape, file };
      }),
    );
    const states = await this.process.prepare({
      kernel,
      types,
      flags,
      dims: workload.dims,
      scalars: workload.params,
      tensors,
      sets,
      calls,
      flush: flushed ? flushBytes : 0,
      folder: this.folder,
      peers: this.names,
    });
    const results: Record<string, PeerResult> = {};
    for (const [name, state] of Object.entries(states))
      results[name] = await this.compare(state, workload, own);
    return results;
  }

  private async compare(
    { outputs, ...state }: PeerState,
    workload: Workload,
    own: TensorSet,
  ): Promise<PeerResult> {
    if (!outputs) return state;
    let difference = 0;
    for (const [name, file] of Object.entries(outputs)) {
      const dtype = workload.tensors.find((tensor) => tensor.name === name)!.entry.dtype;
      difference = Math.max(difference, relative(dtype, await readFile(file), own.get(name)!.readBytes()));
    }
    return { ...state, difference: round(difference) };
  }

  timed(name: string): Timed {
    return this.process.timed(name);
  }

  hostCost(name: string, calls: number): Promise<number> {
    return this.process.hostCost(name, calls);
  }

  release(): Promise<void> {
    return this.process.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Largest difference of some elements, by the largest magnitude among them. */
function relative(dtype: string, theirs: Uint8Array, ours: Uint8Array): number {
  if (theirs.length !== ours.length) return Infinity;
  // Whole elements: a part of 8 bytes is one of every dtype.
  const step = Math.max(1, Math.floor(ours.length / 8 / COMPARED)) * 8;
  let largest = 0;
  let difference = 0;
  for (let at = 0; at < ours.length; at += step) {
    const end = Math.min(at + 8, ours.length);
    const [a, b] = [decode(dtype, ours.slice(at, end)), decode(dtype, theirs.slice(at, end))];
    a.forEach((value, i) => {
      if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
      const apart = Math.abs(value - b[i]!);
      if (Number.isNaN(apart) ? !Object.is(value, b[i]) : apart > difference)
        difference = Number.isNaN(apart) ? Infinity : apart;
    });
  }
  return largest === 0 ? difference : difference / largest;
}
