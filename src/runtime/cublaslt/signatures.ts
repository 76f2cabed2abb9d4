/** The functions of cuBLASLt that the runtime calls; names and order of parameters are those of `cublasLt.h`. */

import type { NativeApi, Signatures } from '../native/signature.js';

const I = 'int32';
/** A handle, an address or a size. */
const P = 'uint64';

export const CUBLASLT_SIGNATURES = {
  getVersion: { symbol: 'cublasLtGetVersion', takes: [], gives: P },
  getStatusName: { symbol: 'cublasLtGetStatusName', takes: [I], gives: P },
  getStatusString: { symbol: 'cublasLtGetStatusString', takes: [I], gives: P },
  create: { symbol: 'cublasLtCreate', takes: [P] },
  destroy: { symbol: 'cublasLtDestroy', takes: [P] },
  matmulDescCreate: { symbol: 'cublasLtMatmulDescCreate', takes: [P, I, I] },
  matmulDescDestroy: { symbol: 'cublasLtMatmulDescDestroy', takes: [P] },
  matmulDescSetAttribute: { symbol: 'cublasLtMatmulDescSetAttribute', takes: [P, I, P, P] },
  matrixLayoutCreate: { symbol: 'cublasLtMatrixLayoutCreate', takes: [P, I, P, P, P] },
  matrixLayoutDestroy: { symbol: 'cublasLtMatrixLayoutDestroy', takes: [P] },
  matmulPreferenceCreate: { symbol: 'cublasLtMatmulPreferenceCreate', takes: [P] },
  matmulPreferenceDestroy: { symbol: 'cublasLtMatmulPreferenceDestroy', takes: [P] },
  matmulPreferenceSetAttribute: { symbol: 'cublasLtMatmulPreferenceSetAttribute', takes: [P, I, P, P] },
  /** handle, operation, A, B, C and D layouts, preference, how many are asked for, results, how many came. */
  matmulAlgoGetHeuristic: { symbol: 'cublasLtMatmulAlgoGetHeuristic', takes: [P, P, P, P, P, P, P, I, P, P] },
  /** handle, operation, alpha, A, its layout, B, its, beta, C, its, D, its, algorithm, workspace, its size, stream. */
  matmul: { symbol: 'cublasLtMatmul', takes: [P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P] },
} as const satisfies Signatures;

export type CublasLtFunction = keyof typeof CUBLASLT_SIGNATURES;
export type CublasLtApi = NativeApi<typeof CUBLASLT_SIGNATURES>;
