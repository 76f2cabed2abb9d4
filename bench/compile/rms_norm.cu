// RMSNorm over rows of 4096 bf16, one CTA of 256 threads a row: what a CUDA programmer would write by hand.
// Compiled with -DWITH_CUTE it also includes the CuTe headers, as kernels on CuTe do.
#include <cuda_bf16.h>
#ifdef WITH_CUTE
#include <cute/tensor.hpp>
#endif

extern "C" __global__ void __launch_bounds__(256)
rms_norm(const __nv_bfloat16* x, const __nv_bfloat16* weight, __nv_bfloat16* out, float eps) {
  constexpr int kHidden = 4096, kVector = 8, kTiles = kHidden / (256 * kVector);
  __shared__ float partial[8];
  const size_t row = size_t(blockIdx.x) * kHidden;
  float values[kTiles][kVector];
  float sum = 0.f;
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
    const int at = (tile * 256 + threadIdx.x) * kVector;
    const uint4 raw = *reinterpret_cast<const uint4*>(x + row + at);
    const __nv_bfloat16* elements = reinterpret_cast<const __nv_bfloat16*>(&raw);
#pragma unroll
    for (int i = 0; i < kVector; ++i) {
      values[tile][i] = __bfloat162float(elements[i]);
      sum += values[tile][i] * values[tile][i];
    }
  }
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffff, sum, offset);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = 0.f;
#pragma unroll
  for (int i = 0; i < 8; ++i) sum += partial[i];
  const float scale = rsqrtf(sum / kHidden + eps);
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
    const int at = (tile * 256 + threadIdx.x) * kVector;
    const uint4 raw = *reinterpret_cast<const uint4*>(weight + at);
    const __nv_bfloat16* elements = reinterpret_cast<const __nv_bfloat16*>(&raw);
    uint4 packed;
    __nv_bfloat16* results = reinterpret_cast<__nv_bfloat16*>(&packed);
#pragma unroll
    for (int i = 0; i < kVector; ++i) {
      results[i] = __float2bfloat16(values[tile][i] * scale * __bfloat162float(elements[i]));
    }
    *reinterpret_cast<uint4*>(out + row + at) = packed;
  }
}
