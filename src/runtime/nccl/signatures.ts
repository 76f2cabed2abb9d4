/** The functions of NCCL that the runtime calls; names and order of parameters are those of `nccl.h`. */

import type { NativeLibrary } from '../native/load-native.js';
import type { NativeApi, Signatures } from '../native/signature.js';

const I = 'int32';
/** A communicator, a stream, an address or a number of elements. */
const P = 'uint64';

export const NCCL_SIGNATURES = {
  getVersion: { symbol: 'ncclGetVersion', takes: [P] },
  getErrorString: { symbol: 'ncclGetErrorString', takes: [I], gives: P },
  getLastError: { symbol: 'ncclGetLastError', takes: [P], gives: P },
  getUniqueId: { symbol: 'ncclGetUniqueId', takes: [P] },
  /** communicator, ranks, rank, number of ids, ids, configuration. */
  commInitRank: { symbol: 'ncclCommInitRankScalable', takes: [P, I, I, I, P, P] },
  commInitAll: { symbol: 'ncclCommInitAll', takes: [P, I, P] },
  commDestroy: { symbol: 'ncclCommDestroy', takes: [P] },
  commAbort: { symbol: 'ncclCommAbort', takes: [P] },
  commGetAsyncError: { symbol: 'ncclCommGetAsyncError', takes: [P, P] },
  groupStart: { symbol: 'ncclGroupStart', takes: [] },
  groupEnd: { symbol: 'ncclGroupEnd', takes: [] },
  /** from, to, elements, dtype, reduction, communicator, stream. */
  allReduce: { symbol: 'ncclAllReduce', takes: [P, P, P, I, I, P, P] },
  reduceScatter: { symbol: 'ncclReduceScatter', takes: [P, P, P, I, I, P, P] },
  /** from, to, elements, dtype, communicator, stream. */
  allGather: { symbol: 'ncclAllGather', takes: [P, P, P, I, P, P] },
  /** from, to, elements, dtype, root, communicator, stream. */
  broadcast: { symbol: 'ncclBroadcast', takes: [P, P, P, I, I, P, P] },
  /** address, elements, dtype, peer, communicator, stream. */
  send: { symbol: 'ncclSend', takes: [P, P, I, I, P, P] },
  recv: { symbol: 'ncclRecv', takes: [P, P, I, I, P, P] },
} as const satisfies Signatures;

export type NcclFunction = keyof typeof NCCL_SIGNATURES;
export type NcclApi = NativeApi<typeof NCCL_SIGNATURES>;
export type Nccl = NativeLibrary<typeof NCCL_SIGNATURES>;
