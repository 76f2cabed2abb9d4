// Large operands of matrix products whose every element is known: a random tile of prime length, over and over.
import { Buffer } from 'node:buffer';
import { decode, DeviceTensor, encode } from '../../dist/runtime/index.js';

/** Prime, so that no row starts where another did. */
const TILE = 1_000_003;
const CHUNK_TILES = 16;

/** Numbers from -1 to 1 by a linear congruential generator (Numerical Recipes' constants). */
function uniform(count, seed) {
  let state = seed >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const tiles = new Map();

function tileOf(dtype, seed) {
  const key = `${dtype} ${seed}`;
  if (!tiles.has(key)) {
    const bytes = encode(dtype, uniform(TILE, seed));
    tiles.set(key, { bytes, values: decode(dtype, bytes) });
  }
  return tiles.get(key);
}

/** A tensor on the device, and `at(index)`: the number that element holds. */
export function operand(device, dtype, shape, seed) {
  const { bytes, values } = tileOf(dtype, seed);
  const tensor = DeviceTensor.create(device, dtype, shape);
  const chunk = Buffer.concat(new Array(CHUNK_TILES).fill(bytes));
  for (let offset = 0; offset < tensor.byteLength; offset += chunk.length) {
    device.copyIn(
      tensor.buffer,
      chunk.subarray(0, Math.min(chunk.length, tensor.byteLength - offset)),
      offset,
    );
  }
  return { tensor, at: (index) => values[index % TILE] };
}

/** One element of a tensor, read back. */
export function elementOf(device, { dtype, buffer }, index) {
  const size = { f32: 4, bf16: 2, f16: 2 }[dtype];
  const bytes = new Uint8Array(size);
  device.copyOut(buffer, bytes, index * size);
  return decode(dtype, bytes)[0];
}
