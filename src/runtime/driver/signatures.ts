/**
 * The functions of the CUDA driver that the runtime calls: name -> exported symbol and parameter types.
 *
 * Names and order of parameters are those of the CUDA Driver API reference. All of them return a status. A `_v2` or `_v3` symbol is the one that the reference's name stands for since its release.
 */

import type { NativeApi, Signatures } from '../native/signature.js';

const I = 'int32';
const U = 'uint32';
/** A handle, a device address, a host address, or a size in bytes. */
const P = 'uint64';

export const SIGNATURES = {
  cuInit: { symbol: 'cuInit', takes: [U] },
  cuDriverGetVersion: { symbol: 'cuDriverGetVersion', takes: [P] },
  cuGetErrorName: { symbol: 'cuGetErrorName', takes: [I, P] },
  cuGetErrorString: { symbol: 'cuGetErrorString', takes: [I, P] },

  cuDeviceGetCount: { symbol: 'cuDeviceGetCount', takes: [P] },
  cuDeviceGet: { symbol: 'cuDeviceGet', takes: [P, I] },
  cuDeviceGetName: { symbol: 'cuDeviceGetName', takes: [P, I, I] },
  cuDeviceGetAttribute: { symbol: 'cuDeviceGetAttribute', takes: [P, I, I] },
  cuDeviceTotalMem: { symbol: 'cuDeviceTotalMem_v2', takes: [P, I] },
  cuDeviceCanAccessPeer: { symbol: 'cuDeviceCanAccessPeer', takes: [P, I, I] },
  cuDevicePrimaryCtxRetain: { symbol: 'cuDevicePrimaryCtxRetain', takes: [P, I] },
  cuDevicePrimaryCtxRelease: { symbol: 'cuDevicePrimaryCtxRelease_v2', takes: [I] },
  cuCtxSetCurrent: { symbol: 'cuCtxSetCurrent', takes: [P] },
  cuCtxGetStreamPriorityRange: { symbol: 'cuCtxGetStreamPriorityRange', takes: [P, P] },

  cuModuleLoadData: { symbol: 'cuModuleLoadData', takes: [P, P] },
  cuModuleUnload: { symbol: 'cuModuleUnload', takes: [P] },
  cuModuleGetFunction: { symbol: 'cuModuleGetFunction', takes: [P, P, P] },
  cuFuncGetAttribute: { symbol: 'cuFuncGetAttribute', takes: [P, I, P] },
  cuFuncSetAttribute: { symbol: 'cuFuncSetAttribute', takes: [P, I, I] },
  /** Since CUDA 12.4. */
  cuFuncGetParamInfo: { symbol: 'cuFuncGetParamInfo', takes: [P, P, P, P] },
  cuOccupancyMaxActiveClusters: { symbol: 'cuOccupancyMaxActiveClusters', takes: [P, P, P] },
  cuLaunchKernelEx: { symbol: 'cuLaunchKernelEx', takes: [P, P, P, P] },

  cuMemGetInfo: { symbol: 'cuMemGetInfo_v2', takes: [P, P] },
  cuMemAlloc: { symbol: 'cuMemAlloc_v2', takes: [P, P] },
  cuMemFree: { symbol: 'cuMemFree_v2', takes: [P] },
  cuMemAllocAsync: { symbol: 'cuMemAllocAsync', takes: [P, P, P] },
  cuMemFreeAsync: { symbol: 'cuMemFreeAsync', takes: [P, P] },
  cuDeviceGetDefaultMemPool: { symbol: 'cuDeviceGetDefaultMemPool', takes: [P, I] },
  cuMemPoolSetAttribute: { symbol: 'cuMemPoolSetAttribute', takes: [P, I, P] },
  cuMemPoolSetAccess: { symbol: 'cuMemPoolSetAccess', takes: [P, P, P] },
  cuMemPoolTrimTo: { symbol: 'cuMemPoolTrimTo', takes: [P, P] },
  cuMemHostAlloc: { symbol: 'cuMemHostAlloc', takes: [P, P, U] },
  cuMemFreeHost: { symbol: 'cuMemFreeHost', takes: [P] },
  cuMemcpyHtoDAsync: { symbol: 'cuMemcpyHtoDAsync_v2', takes: [P, P, P, P] },
  cuMemcpyDtoHAsync: { symbol: 'cuMemcpyDtoHAsync_v2', takes: [P, P, P, P] },
  cuMemcpyDtoDAsync: { symbol: 'cuMemcpyDtoDAsync_v2', takes: [P, P, P, P] },
  cuMemsetD8Async: { symbol: 'cuMemsetD8Async', takes: [P, U, P, P] },
  cuPointerGetAttribute: { symbol: 'cuPointerGetAttribute', takes: [P, I, P] },
  cuTensorMapEncodeTiled: {
    symbol: 'cuTensorMapEncodeTiled',
    takes: [P, I, U, P, P, P, P, P, I, I, I, I],
  },

  cuStreamCreateWithPriority: { symbol: 'cuStreamCreateWithPriority', takes: [P, U, I] },
  cuStreamQuery: { symbol: 'cuStreamQuery', takes: [P] },
  cuStreamSynchronize: { symbol: 'cuStreamSynchronize', takes: [P] },
  cuStreamWaitEvent: { symbol: 'cuStreamWaitEvent', takes: [P, P, U] },
  cuStreamDestroy: { symbol: 'cuStreamDestroy_v2', takes: [P] },
  cuEventCreate: { symbol: 'cuEventCreate', takes: [P, U] },
  cuEventRecord: { symbol: 'cuEventRecord', takes: [P, P] },
  cuEventQuery: { symbol: 'cuEventQuery', takes: [P] },
  cuEventSynchronize: { symbol: 'cuEventSynchronize', takes: [P] },
  cuEventElapsedTime: { symbol: 'cuEventElapsedTime', takes: [P, P, P] },
  cuEventDestroy: { symbol: 'cuEventDestroy_v2', takes: [P] },

  cuStreamBeginCapture: { symbol: 'cuStreamBeginCapture_v2', takes: [P, I] },
  cuStreamEndCapture: { symbol: 'cuStreamEndCapture', takes: [P, P] },
  cuGraphGetNodes: { symbol: 'cuGraphGetNodes', takes: [P, P, P] },
  cuGraphInstantiate: { symbol: 'cuGraphInstantiateWithFlags', takes: [P, P, P] },
  cuGraphExecUpdate: { symbol: 'cuGraphExecUpdate_v2', takes: [P, P, P] },
  cuGraphLaunch: { symbol: 'cuGraphLaunch', takes: [P, P] },
  cuGraphExecDestroy: { symbol: 'cuGraphExecDestroy', takes: [P] },
  cuGraphDestroy: { symbol: 'cuGraphDestroy', takes: [P] },
} as const satisfies Signatures;

export type CudaFunction = keyof typeof SIGNATURES;

export type CudaApi = NativeApi<typeof SIGNATURES>;
