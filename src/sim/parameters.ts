/** Kernel arguments -> the packed parameter buffer. */

import type { LaunchOptions } from './launch-options.js';
import { Allocation } from './memory.js';
import type { Program } from './program.js';

/** `options.parameters` as they are, or `options.args` laid out as the kernel declares its parameters. */
export function packParameters(program: Program, options: LaunchOptions): Uint8Array {
  const { parameters } = program.entry;
  const last = parameters.at(-1);
  const packed = new Uint8Array(last ? last.offset + last.bytes : 0);
  if (options.parameters) {
    packed.set(options.parameters.subarray(0, packed.length));
    return packed;
  }
  const view = new DataView(packed.buffer);
  (options.args ?? []).forEach((argument, n) => {
    const { offset, bytes, type } = parameters[n]!;
    if (argument instanceof Uint8Array) packed.set(argument.subarray(0, bytes), offset);
    else if (argument instanceof Allocation) view.setBigUint64(offset, argument.address, true);
    else if (typeof argument === 'object')
      view.setBigUint64(offset, BigInt.asUintN(64, argument.buffer.address + BigInt(argument.offset)), true);
    else if (type === 'f32') view.setFloat32(offset, Number(argument), true);
    else if (type === 'f64') view.setFloat64(offset, Number(argument), true);
    else if (bytes >= 8) view.setBigInt64(offset, BigInt.asIntN(64, BigInt(argument)), true);
    else if (bytes === 4) view.setInt32(offset, Number(BigInt.asIntN(32, BigInt(argument))), true);
    else if (bytes === 2) view.setInt16(offset, Number(argument), true);
    else view.setInt8(offset, Number(argument));
  });
  return packed;
}
