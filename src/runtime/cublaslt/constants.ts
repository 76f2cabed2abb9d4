/**
 * Enumerators of cuBLASLt, from NVIDIA's `cublasLt.h`, `cublas_api.h` and `library_types.h` of CUDA 12.0 to 13.1: they are part
 * of its binary interface and do not change. Sizes are in bytes.
 */

/** cudaDataType_t. */
export const DATA_TYPE = { f32: 0, f16: 2, bf16: 14, e4m3: 28, e5m2: 29 } as const;

/** cublasComputeType_t: sums in f32; `tf32` may round f32 operands to TF32. */
export const COMPUTE = { f32: 68, tf32: 77 } as const;

/** cublasOperation_t. */
export const OPERATION = { none: 0, transpose: 1 } as const;

/** cublasLtEpilogue_t. */
export const EPILOGUE = {
  none: 1,
  relu: 2,
  bias: 4,
  'bias-relu': 6,
  gelu: 32,
  'bias-gelu': 36,
} as const;

/** cublasLtMatmulDescAttributes_t, with the size of each value. */
export const DESCRIPTOR = {
  transposeA: [3, 4],
  transposeB: [4, 4],
  epilogue: [7, 4],
  biasPointer: [8, 8],
  scalePointerA: [17, 8],
  scalePointerB: [18, 8],
  fastAccumulation: [25, 1],
  biasType: [26, 4],
} as const satisfies Record<string, readonly [id: number, bytes: 1 | 4 | 8]>;

/** cublasLtMatmulPreferenceAttributes_t. */
export const PREFERENCE = {
  workspaceBytes: [1, 8],
  alignmentA: [5, 4],
  alignmentB: [6, 4],
  alignmentC: [7, 4],
  alignmentD: [8, 4],
} as const satisfies Record<string, readonly [id: number, bytes: 4 | 8]>;

/** cublasLtMatmulHeuristicResult_t: offsets of its fields. */
export const HEURISTIC = { algorithm: 0, workspaceBytes: 64, state: 72, waves: 76, size: 96 } as const;

export const STATUS = { success: 0, notInitialized: 1, archMismatch: 8, notSupported: 15 } as const;
