/** Enumerators of NCCL, from NVIDIA's `nccl.h` 2.28: they are part of its binary interface and do not change. */

/** ncclDataType_t. */
export const DATA_TYPE: Readonly<Record<string, number>> = {
  i8: 0,
  u8: 1,
  i32: 2,
  u32: 3,
  i64: 4,
  u64: 5,
  f16: 6,
  f32: 7,
  f64: 8,
  bf16: 9,
  e4m3: 10,
  e5m2: 11,
};

/** ncclRedOp_t. */
export const REDUCTION = { sum: 0, product: 1, max: 2, min: 3, average: 4 } as const;

export type Reduction = keyof typeof REDUCTION;

/** ncclResult_t. */
export const STATUS = { success: 0, inProgress: 7 } as const;

/** NCCL_UNIQUE_ID_BYTES. */
export const UNIQUE_ID_BYTES = 128;

/** First with `ncclCommInitRankScalable`, which takes the unique id by address. */
export const LEAST_VERSION = 22_300;
/** First with FP8. */
export const FP8_VERSION = 22_400;
