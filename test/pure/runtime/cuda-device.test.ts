import { describe, expect, test } from '@jest/globals';
import { openCuda, cudaDevices } from '../../../src/runtime/index.js';
import { FAKE_CUBIN } from '../../support/fake-driver.js';
import { ENTRY, fakeDriver } from './helpers.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

async function open(driver = fakeDriver()) {
  return { driver, device: await openCuda({ driver }) };
}

const SHAPE = {
  block: [32, 1, 1],
  cluster: [1, 1, 1],
  sharedMemoryBytes: 0,
  pdl: false,
  cooperative: false,
  parameterBytes: 24,
} as const;

describe('discovery', () => {
  test('every device with what it is', async () => {
    const driver = fakeDriver({
      devices: [
        { name: 'Fake H200', capability: [9, 0], memoryBytes: 2 ** 30 },
        { name: 'Fake T4', capability: [7, 5], memoryBytes: 2 ** 20 },
      ],
    });
    const [first, second] = await cudaDevices({ driver });
    expect(first).toMatchObject({ ordinal: 0, name: 'Fake H200', arch: 'sm90', multiprocessors: 132 });
    expect(second).toMatchObject({ ordinal: 1, arch: 'sm75', memoryBytes: 2 ** 20, cudaVersion: 12_080 });
  });

  test('a device that is not there', async () => {
    await expect(openCuda({ driver: fakeDriver(), ordinal: 3 })).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      actual: '0: Fake H200',
    });
    await expect(openCuda({ driver: fakeDriver({ devices: [] }) })).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      next: expect.stringContaining('"sim"'),
    });
  });

  test('a driver that is not there', async () => {
    await expect(openCuda({ driver: 'libnothing-of-the-kind.so' })).rejects.toMatchObject({
      code: 'DRIVER_MISSING',
      expected: 'libnothing-of-the-kind.so',
    });
  });

  test('two devices: each call makes its own context current', async () => {
    const info = { name: 'Fake H200', capability: [9, 0], memoryBytes: 2 ** 20 } as const;
    const driver = fakeDriver({ devices: [info, info] });
    const [a, b] = [await openCuda({ driver }), await openCuda({ driver, ordinal: 1 })];
    const x = a.alloc(16);
    expect(driver.currentContext).toBe(a.context.handle);
    const y = b.alloc(16);
    expect(driver.currentContext).toBe(b.context.handle);
    a.fill(x, 1);
    expect(driver.currentContext).toBe(a.context.handle);
    expect(() => a.fill(y, 1)).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    a.close();
    b.close();
    expect(driver.live).toEqual({});
  });
});

describe('memory', () => {
  test('copies in and out, within the buffer only', async () => {
    const { device } = await open();
    const buffer = device.alloc(8, { name: 'small' });
    device.copyIn(buffer, bytes(1, 2, 3, 4), 2);
    const back = new Uint8Array(3);
    device.copyOut(buffer, back, 3);
    expect([...back]).toEqual([2, 3, 4]);
    expect(() => device.copyIn(buffer, bytes(1, 2, 3, 4), 5)).toThrow(
      expect.objectContaining({ code: 'USAGE', actual: 'bytes 5 to 9', expected: 'at most 8 bytes' }),
    );
    device.close();
  });

  test('pinned memory, device to device, fill', async () => {
    const { device, driver } = await open();
    const [a, b] = [device.alloc(4), device.alloc(4)];
    const pinned = device.pinned(4);
    pinned.bytes.set([9, 8, 7, 6]);
    device.copyInAsync(a, pinned);
    device.copy(b, a);
    device.fill(a, 5);
    device.copyOutAsync(b, pinned, { offset: 1, pinnedOffset: 0, bytes: 3 });
    await device.stream.synchronize();
    expect([...pinned.bytes]).toEqual([8, 7, 6, 6]);
    expect(() => device.copyInAsync(a, pinned, { pinnedOffset: 2, bytes: 3 })).toThrow(/pinned buffer/);
    pinned.close();
    expect(() => pinned.bytes).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    device.close();
    expect(driver.live).toEqual({});
  });

  test('a freed buffer is told apart from the one that took its slot', async () => {
    const { device } = await open();
    const old = device.alloc(16, { name: 'old' });
    device.free(old);
    const next = device.alloc(16);
    expect(next.slot).toBe(old.slot);
    expect([old.live, next.live]).toEqual([false, true]);
    expect(() => device.fill(old, 0)).toThrow(
      expect.objectContaining({ code: 'HANDLE_CLOSED', message: expect.stringContaining('"old"') }),
    );
    expect(() => device.free(old)).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    device.close();
  });

  test('out of memory: gives back what was freed, tries again, then says what is free', async () => {
    const { device, driver } = await open();
    driver.fail('cuMemAllocAsync', 2);
    driver.calls = [];
    device.free(device.alloc(16));
    expect(driver.calls.filter((name) => /Alloc|Trim/.test(name))).toEqual([
      'cuMemAllocAsync',
      'cuMemPoolTrimTo',
      'cuMemAllocAsync',
    ]);
    expect(() => device.alloc(2 ** 31, { name: 'kv cache' })).toThrow(
      expect.objectContaining({
        code: 'DEVICE_MEMORY',
        message: expect.stringContaining(
          '"kv cache" of 2147483648 bytes (33554432 of 67108864 bytes are free)',
        ),
        actual: '2 CUDA_ERROR_OUT_OF_MEMORY: out of memory',
      }),
    );
    expect(device.buffers.count).toBe(0);
    device.close();
  });

  test('a device without pools allocates at once', async () => {
    const driver = fakeDriver();
    driver.memoryPools = 0;
    const device = await openCuda({ driver });
    device.free(device.alloc(0));
    expect(driver.calls).toEqual(expect.arrayContaining(['cuMemAlloc', 'cuMemFree']));
    expect(driver.calls).not.toContain('cuMemAllocAsync');
    device.close();
    expect(driver.live).toEqual({});
  });

  test('what several streams use is ordered between them by events', async () => {
    const { device, driver } = await open();
    const stream = device.createStream(-1);
    driver.calls = [];
    const shared = device.alloc(16);
    device.free(shared);
    expect(driver.calls.filter((name) => name.startsWith('cuEvent') || name.includes('Wait'))).toEqual([
      'cuEventRecord',
      'cuStreamWaitEvent',
      'cuEventRecord',
      'cuStreamWaitEvent',
    ]);
    driver.calls = [];
    device.free(device.alloc(16, { stream }), stream);
    expect(driver.calls).toEqual(['cuMemAllocAsync', 'cuMemFreeAsync']);
    stream.close();
    expect(() => device.fill(device.alloc(1), 0, stream)).toThrow(
      expect.objectContaining({ code: 'HANDLE_CLOSED' }),
    );
    device.close();
  });

  test('foreign memory is looked up when it is wrapped', async () => {
    const info = { name: 'Fake H200', capability: [9, 0], memoryBytes: 2 ** 20 } as const;
    const driver = fakeDriver({ devices: [info, info] });
    const device = await openCuda({ driver });
    const address = driver.foreign(64);
    const wrapped = device.wrap(address + 16n, 48, 'torch');
    device.copyIn(wrapped, bytes(1));
    expect(() => device.wrap(address + 16n, 49)).toThrow(
      expect.objectContaining({ code: 'HANDLE_CLOSED', actual: '48 bytes', expected: '49 bytes' }),
    );
    expect(() => device.wrap(12345678n, 4)).toThrow(/no memory that the driver knows/);
    expect(() => device.wrap(driver.foreign(64, 1), 4)).toThrow(/memory of another device/);
    wrapped.close();
    device.close();
    expect(driver.live).toEqual({ allocation: 2 });
  });
});

describe('launching', () => {
  test('the driver says how many clusters of a launch run at once', async () => {
    const { device, driver } = await open();
    const module = device.loadModule({ name: 'scale', cubin: FAKE_CUBIN });
    const shape = {
      block: [256, 1, 1],
      cluster: [8, 1, 1],
      sharedMemoryBytes: 0,
      pdl: false,
      cooperative: false,
      parameterBytes: 24,
    } as const;
    expect(device.activeClusters(module.kernel(ENTRY), shape)).toBe(13);
    expect(driver.launches).toEqual([]);
    device.close();
  });

  test('a config with every attribute', async () => {
    const { device, driver } = await open();
    const module = device.loadModule({ name: 'scale', cubin: FAKE_CUBIN });
    const kernel = module.kernel(ENTRY);
    const stream = device.createStream();
    const memory = device.alloc(64);
    const prepared = device.prepare(kernel, {
      ...{ block: [8, 4, 2], cluster: [16, 1, 1], sharedMemoryBytes: 100_000 },
      ...{ pdl: true, cooperative: true, priority: -3, parameterBytes: 24 },
    });
    expect(driver.calls.filter((name) => name === 'cuFuncSetAttribute')).toHaveLength(2);
    prepared.parameters.setBigUint64(0, memory.address, true);
    prepared.parameters.setBigUint64(8, memory.address, true);
    prepared.setGrid(32, 2, 1);
    prepared.setStream(stream.handle);
    prepared.launch();
    const [launch] = driver.launches;
    expect(launch).toMatchObject({
      entry: ENTRY,
      grid: [32, 2, 1],
      block: [8, 4, 2],
      sharedMemoryBytes: 100_000,
    });
    expect(launch!.stream).toBe(stream.at);
    expect(launch!.parameters.byteLength).toBe(24);
    expect([...launch!.attributes]).toEqual([
      [4, [16, 1, 1]],
      [6, [1, 0, 0]],
      [2, [1, 0, 0]],
      [8, [-3, 0, 0]],
    ]);
    driver.calls = [];
    prepared.launch();
    expect(driver.calls).toEqual(['cuLaunchKernelEx']);
    device.close();
    expect(driver.live).toEqual({});
  });

  test('the plain launch of the device interface', async () => {
    const { device, driver } = await open();
    const kernel = device.loadModule({ name: 'scale', cubin: FAKE_CUBIN }).kernel(ENTRY);
    const [x, out] = [device.alloc(8), device.alloc(8)];
    device.copyIn(x, new Uint8Array(new Float32Array([1.5, -2]).buffer));
    const parameters = new DataView(new ArrayBuffer(24));
    parameters.setBigUint64(0, x.address, true);
    parameters.setBigUint64(8, out.address, true);
    parameters.setInt32(16, 2, true);
    parameters.setFloat32(20, 4, true);
    device.launch(kernel, {
      ...{ grid: [1, 1, 1], block: [32, 1, 1], sharedMemoryBytes: 0 },
      parameters: new Uint8Array(parameters.buffer),
    });
    const result = new Float32Array(2);
    device.copyOut(out, new Uint8Array(result.buffer));
    expect([...result]).toEqual([6, -8]);
    expect(driver.launches[0]!.attributes.size).toBe(0);
    device.close();
  });

  test('a damaged image, a kernel that is not there, parameters elsewhere', async () => {
    const { device, driver } = await open();
    expect(() => device.loadModule({ name: 'broken', cubin: bytes(1, 2, 3) })).toThrow(
      expect.objectContaining({ code: 'CUBIN_INVALID', message: expect.stringContaining('"broken"') }),
    );
    expect(() => device.loadModule({ name: 'text', ptx: '' })).toThrow(/comes without one/);
    const module = device.loadModule({ name: 'scale', cubin: FAKE_CUBIN });
    expect(() => module.kernel('other')).toThrow(/has no kernel "other"/);
    const kernel = module.kernel(ENTRY);
    const param = { name: 'x', kind: 'pointer', offset: 0, size: 8, source: { kind: 'zero' } } as const;
    expect(() => device.checkParameters(kernel, [param])).toThrow(
      expect.objectContaining({
        code: 'CUBIN_INVALID',
        actual: '8 bytes at 0, 8 bytes at 8, 4 bytes at 16, 4 bytes at 20',
        expected: '8 bytes at 0',
      }),
    );
    driver.missing.add('cuFuncGetParamInfo');
    expect(() => device.checkParameters(kernel, [param])).not.toThrow();
    const other = await openCuda({ driver });
    expect(() => other.prepare(kernel, SHAPE)).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    module.unload();
    expect(() => module.kernel(ENTRY)).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    other.close();
    device.close();
    expect(driver.live).toEqual({});
  });

  test('a fault makes the device unusable for good, and it can still be closed', async () => {
    const { device, driver } = await open();
    const memory = device.alloc(64);
    driver.poison(700);
    await expect(device.stream.synchronize()).rejects.toMatchObject({
      code: 'DEVICE_LOST',
      actual: '700 CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered',
    });
    driver.calls = [];
    expect(() => device.fill(memory, 0)).toThrow(
      expect.objectContaining({ code: 'DEVICE_LOST', message: expect.stringContaining('earlier fault') }),
    );
    expect(driver.calls).toEqual([]);
    memory.close();
    device.close();
    expect(driver.live).toEqual({});
    await expect(openCuda({ driver })).rejects.toMatchObject({
      code: 'DEVICE_LOST',
      next: expect.stringContaining('start the process again'),
    });
  });
});

test('a fault that nobody waited for is raised at the end, with nothing left', async () => {
  const { device, driver } = await open();
  device.alloc(64);
  driver.poison(719);
  expect(() => device.close()).toThrow(expect.objectContaining({ code: 'DEVICE_LOST' }));
  expect(driver.live).toEqual({});
});

describe('events and graphs', () => {
  test('an event orders streams and measures time', async () => {
    const { device } = await open();
    const [a, b] = [device.createEvent({ timing: true }), device.createEvent({ timing: true })];
    const other = device.createStream();
    a.record(device.stream);
    other.waitFor(a);
    b.record(other);
    await b.synchronize();
    expect(b.since(a)).toBeGreaterThan(0);
    expect(other.idle).toBe(true);
    a.close();
    expect(() => a.done).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    device.close();
  });

  test('captured work runs at each replay, and an update changes it', async () => {
    const { device, driver } = await open();
    const buffer = device.alloc(2);
    const capture = (byte: number) =>
      device.capture(device.stream, () => {
        device.fill(buffer, byte);
      });
    const read = (): number => {
      const into = new Uint8Array(1);
      device.copyOut(buffer, into);
      return into[0]!;
    };
    device.fill(buffer, 0);
    const graph = capture(7);
    expect(graph.nodes).toBe(1);
    expect(read()).toBe(0);
    const exec = graph.instantiate();
    exec.launch(device.stream);
    expect(read()).toBe(7);
    expect(exec.update(capture(9))).toBe(true);
    exec.launch(device.stream);
    expect(read()).toBe(9);
    const longer = device.capture(device.stream, () => {
      device.fill(buffer, 1);
      device.fill(buffer, 2);
    });
    expect(exec.update(longer)).toBe(false);
    device.free(buffer);
    expect(() => exec.launch(device.stream)).toThrow(
      expect.objectContaining({ code: 'HANDLE_CLOSED', message: expect.stringContaining('was freed') }),
    );
    for (const thing of [graph, exec, longer]) thing.close();
    device.close();
    expect(driver.live).toEqual({});
  });

  test('what a capture cannot hold is refused, and a failure inside ends it', async () => {
    const { device, driver } = await open();
    const buffer = device.alloc(2);
    expect(() => device.capture(device.stream, () => device.alloc(2))).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('allocated') }),
    );
    expect(() => device.capture(device.stream, () => device.free(buffer))).toThrow(/freed/);
    expect(() => device.capture(device.stream, () => device.copyOut(buffer, new Uint8Array(1)))).toThrow(
      /copied to or from the host/,
    );
    expect(device.capturing).toBe(false);
    expect(driver.live).not.toHaveProperty('graph');
    device.close();
    expect(driver.live).toEqual({});
  });

  test('a tensor map is encoded in aligned memory', async () => {
    const { device } = await open();
    const map = device.tensorMap({
      ...{ dtype: 'bf16', address: 4096, shape: [64, 128], strideBytes: [128] },
      ...{ box: [64, 8], swizzle: '128B' },
    });
    const view = new DataView(map.buffer);
    expect([map.length, view.getInt32(0, true), view.getInt32(4, true), view.getInt32(8, true)]).toEqual([
      128, 9, 2, 64,
    ]);
    expect(() =>
      device.tensorMap({ dtype: 'f32', address: 0, shape: [4, 4], strideBytes: [], box: [4, 4] }),
    ).toThrow(/strideBytes/);
    device.close();
  });
});

describe('the end', () => {
  test('closing a device takes everything along', async () => {
    const { device, driver } = await open();
    device.alloc(64);
    device.pinned(64);
    device.createStream();
    device.createEvent();
    device.loadModule({ name: 'scale', cubin: FAKE_CUBIN });
    device.capture(device.stream, () => undefined).instantiate();
    expect(Object.keys(driver.live).sort()).toEqual([
      ...['allocation', 'context', 'event', 'exec', 'graph', 'module', 'pinned', 'stream'],
    ]);
    device.close();
    expect(driver.live).toEqual({});
    device.close();
    expect(() => device.alloc(1)).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
  });
});
