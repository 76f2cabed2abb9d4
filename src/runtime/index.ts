/** The runtime: libraries of kernels, launched on a GPU or in the simulator. It loads nothing of the compiler. */

export { BufferTable, type Slot } from './buffer-table.js';
export { RuntimeBuffer } from './buffer.js';
export { BoundGemm } from './cublaslt/bound-gemm.js';
export { Gemm, openGemm, type OpenGemmOptions } from './cublaslt/gemm.js';
export { loadCublasLt, type CublasLt } from './cublaslt/load-cublaslt.js';
export type { GemmOperands } from './cublaslt/operands.js';
export type { GemmDtype, GemmEpilogue, GemmProblem } from './cublaslt/problem.js';
export { CudaDevice } from './cuda/cuda-device.js';
export type { CudaDeviceInfo } from './cuda/devices.js';
export { CudaGraph, CudaGraphExec } from './cuda/graph.js';
export { cudaDevices, openCuda, type OpenCudaOptions } from './cuda/open-cuda.js';
export { PinnedBuffer } from './cuda/pinned.js';
export { CudaEvent, CudaStream, type EventOptions } from './cuda/stream.js';
export type { TensorMapOptions } from './cuda/tensor-map.js';
export type { CopyRange } from './cuda/transfers.js';
export type { CudaDriver } from './driver/cuda-driver.js';
export type { LaunchShape } from './driver/launch-packet.js';
export { loadLibcuda, type LoadDriverOptions } from './driver/load-libcuda.js';
export { decode, dtypeBytes, encode } from './dtype.js';
export { BoundLaunch, type BindOptions } from './library/bound-launch.js';
export type { Question } from './library/catalogue.js';
export type { Explanation } from './library/explain.js';
export { Library, type Asked } from './library/library.js';
export { DECODE_ROWS } from './library/phase.js';
export { openLibrary, type OpenLibraryOptions } from './library/open-library.js';
export { onLeak, Resource, type LeakListener } from './lifetime.js';
export { Communicator } from './nccl/communicator.js';
export type { Reduction } from './nccl/constants.js';
export { loadNccl, ncclUniqueId } from './nccl/load-nccl.js';
export {
  group,
  openCommunicator,
  openCommunicators,
  type OpenCommunicatorOptions,
  type OpenCommunicatorsOptions,
} from './nccl/open-communicator.js';
export type { Nccl } from './nccl/signatures.js';
export { openDevice, type OpenDeviceOptions } from './open-device.js';
export type { AllocateOn, PreparedKernel, RuntimeDevice } from './runtime-device.js';
export { DeviceTensor, type TensorOptions, type TensorView } from './tensor.js';
export { TrackedDevice } from './tracked-device.js';
