/** Devices -> communicators: all of one process at once, or one rank of several processes; and groups of their calls. */

import { RoseError } from '../../util/errors.js';
import type { CudaDevice } from '../cuda/cuda-device.js';
import { HostBlock } from '../driver/cuda-driver.js';
import { Communicator } from './communicator.js';
import { UNIQUE_ID_BYTES } from './constants.js';
import { ncclOf } from './load-nccl.js';
import { checkNccl } from './nccl-error.js';
import type { Nccl } from './signatures.js';

export interface OpenCommunicatorsOptions {
  /** Path of the library, or the library itself; default: it is looked for. */
  readonly library?: string | Nccl;
}

export interface OpenCommunicatorOptions extends OpenCommunicatorsOptions {
  readonly device: CudaDevice;
  /** From 0. */
  readonly rank: number;
  /** How many ranks there are. */
  readonly ranks: number;
  /** What `ncclUniqueId()` gave one of the ranks. */
  readonly id: Uint8Array;
}

/**
 * One rank of a clique, the others in other processes. Blocks until all are there. Raises NATIVE_MISSING, NATIVE_CALL, USAGE.
 */
export async function openCommunicator(options: OpenCommunicatorOptions): Promise<Communicator> {
  const { device, rank, ranks, id } = options;
  if (id.length !== UNIQUE_ID_BYTES) {
    throw usage('the unique id has the wrong length', `${id.length} bytes`, `${UNIQUE_ID_BYTES} bytes`);
  }
  if (!Number.isInteger(rank) || rank < 0 || rank >= ranks) {
    throw usage('no such rank', `rank ${rank} of ${ranks}`, `a rank from 0 to ${ranks - 1}`);
  }
  const nccl = await ncclOf(options.library);
  const block = new HostBlock(nccl.host, 8 + UNIQUE_ID_BYTES);
  new Uint8Array(block.view.buffer).set(id, 8);
  device.context.activate();
  const status = nccl.api.commInitRank(block.address, ranks, rank, 1, block.address + 8, 0);
  forgetContext([device]);
  checkNccl(nccl, status, `ncclCommInitRankScalable of rank ${rank} of ${ranks}`);
  return new Communicator(nccl, device, rank, ranks, block.getAddress(0));
}

/** One communicator a device, ranks in the order of the devices. Raises NATIVE_MISSING, NATIVE_CALL, USAGE. */
export async function openCommunicators(
  devices: readonly CudaDevice[],
  options: OpenCommunicatorsOptions = {},
): Promise<readonly Communicator[]> {
  const ordinals = devices.map(({ info }) => info.ordinal);
  if (devices.length === 0 || new Set(ordinals).size < ordinals.length) {
    throw usage(
      'a clique has each device once',
      `devices ${ordinals.join(', ') || 'none'}`,
      'different devices',
    );
  }
  const nccl = await ncclOf(options.library);
  const block = new HostBlock(nccl.host, 12 * devices.length);
  const list = 8 * devices.length;
  ordinals.forEach((ordinal, i) => {
    block.view.setInt32(list + 4 * i, ordinal, true);
  });
  // NCCL reads and writes the memory of other GPUs of its process directly.
  for (const device of devices) for (const peer of devices) if (peer !== device) device.openMemoryTo(peer);
  devices[0]!.context.activate();
  const status = nccl.api.commInitAll(block.address, devices.length, block.address + list);
  forgetContext(devices);
  checkNccl(nccl, status, `ncclCommInitAll of ${devices.length} devices`);
  return devices.map(
    (device, rank) => new Communicator(nccl, device, rank, devices.length, block.getAddress(8 * rank)),
  );
}

/**
 * Queues what `work` calls as one operation: the ranks of one process, or messages that go both ways. Where `work` throws,
 * the group is ended and its error comes out; abort the communicators then if other ranks wait.
 */
export function group(communicators: readonly Communicator[], work: () => void): void {
  const first = communicators[0];
  if (!first) throw usage('a group has no communicators', 'none', 'at least one');
  const { nccl } = first;
  checkNccl(nccl, nccl.api.groupStart(), 'ncclGroupStart');
  let finished = false;
  try {
    work();
    finished = true;
  } finally {
    const status = nccl.api.groupEnd();
    forgetContext(communicators.map(({ device }) => device));
    // A failure of `work` says more than that of the group it left incomplete.
    if (finished) checkNccl(nccl, status, 'ncclGroupEnd');
  }
}

/** NCCL makes other contexts current while it works. */
function forgetContext(devices: readonly CudaDevice[]): void {
  for (const { context } of devices) context.driver.currentContext = 0;
}

function usage(message: string, actual: string, expected: string): RoseError {
  return new RoseError({ code: 'USAGE', message, actual, expected, next: 'correct the call' });
}
