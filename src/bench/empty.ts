/** An empty kernel in the shape of a variant's launch: what the launch itself takes. */

import { evaluateGrid, type VariantEntry } from '../device/index.js';
import type { CudaDevice, CudaStream } from '../runtime/index.js';
import { ptxTarget } from './ceilings.js';
import { EMPTY_ENTRY, emptyModule } from './ptx.js';

/** A launch of the empty kernel, ready to be repeated; `close` unloads it. */
export function prepareEmpty(
  device: CudaDevice,
  stream: CudaStream,
  { launch }: VariantEntry,
  dims: Readonly<Record<string, number>>,
  dependentLaunch: boolean,
): { readonly run: () => void; readonly close: () => void } {
  const grid = evaluateGrid(launch, { dims, smCount: device.multiprocessors }) ?? [1, 1, 1];
  const text = `${emptyModule(ptxTarget(device.info.computeCapability), dependentLaunch)}\0`;
  const module = device.loadModule({ name: 'empty kernel', cubin: Buffer.from(text) });
  const prepared = device.prepare(module.kernel(EMPTY_ENTRY), {
    block: launch.block,
    cluster: launch.cluster,
    sharedMemoryBytes: launch.sharedMemoryBytes,
    pdl: dependentLaunch,
    cooperative: launch.cooperative,
    parameterBytes: 0,
  });
  prepared.setGrid(grid[0], grid[1], grid[2]);
  prepared.setStream(stream.handle);
  return {
    run: () => {
      prepared.launch();
    },
    close: () => {
      module.unload();
    },
  };
}
