import { describe, expect, test } from '@jest/globals';
import type { Device } from '../../../src/device/device.js';
import { openSimDevice } from '../../../src/sim/index.js';
import type { SimReport } from '../../../src/sim/index.js';
import { kernelText } from './harness.js';

const DOUBLE = kernelText(`mul.wide.u32 %rd10, %r0, 4; add.s64 %rd11, %rd0, %rd10; add.s64 %rd12, %rd1, %rd10;
ld.global.b32 %r1, [%rd11]; add.s32 %r1, %r1, %r1; st.global.b32 [%rd12], %r1;`);

const SHAPE = { grid: [1, 1, 1], block: [8, 1, 1], sharedMemoryBytes: 0 } as const;

function pack(...addresses: bigint[]): Uint8Array {
  return new Uint8Array(new BigUint64Array(addresses).buffer);
}

describe('the simulator as a device', () => {
  test('buffers, copies and a launch', async () => {
    const device: Device = openSimDevice();
    const [from, to] = [device.alloc(32), device.alloc(32)];
    device.copyIn(from, new Uint8Array(new Uint32Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer));
    const kernel = device.loadModule({ name: 'double', ptx: DOUBLE }).kernel('k');
    const stream = device.createStream();
    device.launch(kernel, { ...SHAPE, parameters: pack(from.address, to.address), stream });
    await stream.synchronize();
    const result = new Uint32Array(8);
    device.copyOut(to, new Uint8Array(result.buffer));
    expect([...result]).toEqual([2, 4, 6, 8, 10, 12, 14, 16]);
    device.close();
  });

  test('a fault throws, or goes to the listener', () => {
    const found: SimReport[] = [];
    const parameters = (device: Device): Uint8Array => {
      const small = device.alloc(16);
      device.fill(small, 0);
      return pack(small.address, device.alloc(32).address);
    };
    const strict = openSimDevice();
    const load = (device: Device) => device.loadModule({ name: 'double', ptx: DOUBLE }).kernel('k');
    expect(() => {
      strict.launch(load(strict), { ...SHAPE, parameters: parameters(strict) });
    }).toThrow(expect.objectContaining({ code: 'SIM_FAULT' }));
    const lenient = openSimDevice({ onFaults: (reports) => found.push(...reports) });
    lenient.launch(load(lenient), { ...SHAPE, parameters: parameters(lenient) });
    expect(found.map(({ kind, count }) => [kind, count])).toEqual([['out-of-bounds', 4]]);
  });

  test('a dependent launch must wait for what the kernel before it on the stream wrote', () => {
    const found: SimReport[] = [];
    const device = openSimDevice({ onFaults: (reports) => found.push(...reports) });
    const [a, b, c] = [device.alloc(32), device.alloc(32), device.alloc(32)];
    device.fill(a, 1);
    const load = (ptx: string) => device.loadModule({ name: 'double', ptx }).kernel('k');
    const [hasty, patient] = [DOUBLE, DOUBLE.replace('ld.global', 'griddepcontrol.wait; ld.global')].map(
      load,
    );
    const [stream, other] = [device.createStream(), device.createStream()];
    const first = { ...SHAPE, parameters: pack(a.address, b.address), stream };
    const second = { ...SHAPE, parameters: pack(b.address, c.address), stream };
    device.launch(hasty!, first);
    device.launch(hasty!, second);
    device.launch(hasty!, first);
    device.launch(patient!, { ...second, pdl: true });
    device.launch(hasty!, first);
    device.launch(hasty!, { ...second, pdl: true, stream: other });
    expect(found).toEqual([]);
    device.launch(hasty!, { ...second, pdl: true });
    expect(found).toMatchObject([{ kind: 'read-before-dependency', count: 8 }]);
  });

  test('a freed buffer is no longer there, and a cubin alone cannot run', () => {
    const device = openSimDevice();
    const [from, to] = [device.alloc(32), device.alloc(32)];
    device.fill(from, 0);
    device.free(to);
    const kernel = device.loadModule({ name: 'double', ptx: DOUBLE }).kernel('k');
    expect(() => {
      device.launch(kernel, { ...SHAPE, parameters: pack(from.address, to.address) });
    }).toThrow(/belongs to no buffer|which has 32 bytes/);
    expect(() => device.loadModule({ name: 'x', cubin: new Uint8Array(4) })).toThrow(/comes without it/);
  });
});
