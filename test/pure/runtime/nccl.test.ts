/** NCCL behind communicators: collectives on two fake GPUs, in groups and graphs; guards, errors, ends. */

import { afterEach, describe, expect, test } from '@jest/globals';
import {
  DeviceTensor,
  group,
  loadNccl,
  ncclUniqueId,
  openCommunicator,
  openCommunicators,
  openCuda,
  type Communicator,
  type CudaDevice,
  type Reduction,
} from '../../../src/runtime/index.js';
import { FakeNccl } from '../../support/fake-nccl.js';
import { fakeDriver } from './helpers.js';

const INFO = { name: 'Fake H200', capability: [9, 0], memoryBytes: 2 ** 20 } as const;

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

/** Two GPUs and the communicators of both. */
async function open() {
  const driver = fakeDriver({ devices: [INFO, INFO] });
  const nccl = new FakeNccl(driver);
  const devices = [await openCuda({ driver }), await openCuda({ driver, ordinal: 1 })] as const;
  const communicators = await openCommunicators(devices, { library: nccl.library });
  const [first, second] = communicators as [Communicator, Communicator];
  opened.push(() => {
    for (const communicator of communicators) communicator.close();
    for (const device of devices) device.close();
    expect(nccl.live).toBe(0);
    expect(driver.live).toEqual({});
  });
  return { driver, nccl, devices, first, second, both: [first, second] };
}

const tensor = (device: CudaDevice, values: readonly number[], dtype = 'f32'): DeviceTensor =>
  DeviceTensor.create(device, dtype, [values.length], { values });
const empty = (device: CudaDevice, count: number, dtype = 'f32'): DeviceTensor =>
  DeviceTensor.create(device, dtype, [count]);
const read = (tensors: readonly DeviceTensor[]): number[][] => tensors.map((each) => [...each.read()]);

describe('collectives', () => {
  test.each<[Reduction, number[]]>([
    ['sum', [11, 22]],
    ['product', [10, 40]],
    ['max', [10, 20]],
    ['min', [1, 2]],
    ['average', [5.5, 11]],
  ])('all-reduce by %s', async (by, expected) => {
    const { devices, first, second, both } = await open();
    const [a, b] = [tensor(devices[0], [1, 2]), tensor(devices[1], [10, 20])];
    group(both, () => {
      first.allReduce(a, a, by);
      second.allReduce(b, b, by);
    });
    expect(read([a, b])).toEqual([expected, expected]);
  });

  test('all-gather, reduce-scatter, broadcast: ranks in the order of the devices', async () => {
    const { nccl, devices, first, second, both } = await open();
    expect(nccl.ordinals).toEqual([0, 1]);
    const inputs = [tensor(devices[0], [1, 2], 'bf16'), tensor(devices[1], [3, 4], 'bf16')] as const;
    const gathered = [empty(devices[0], 4, 'bf16'), empty(devices[1], 4, 'bf16')] as const;
    group(both, () => {
      first.allGather(inputs[0], gathered[0]);
      second.allGather(inputs[1], gathered[1]);
    });
    expect(read(gathered)).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
    group(both, () => {
      first.reduceScatter(gathered[0], inputs[0]);
      second.reduceScatter(gathered[1], inputs[1]);
    });
    expect(read(inputs)).toEqual([
      [2, 4],
      [6, 8],
    ]);
    group(both, () => {
      first.broadcast(inputs[0], inputs[0], 1);
      second.broadcast(inputs[1], inputs[1], 1);
    });
    expect(read(inputs)).toEqual([
      [6, 8],
      [6, 8],
    ]);
  });

  test('messages both ways in a group', async () => {
    const { devices, first, second, both } = await open();
    const [a, b] = [tensor(devices[0], [1, 2, 3]), tensor(devices[1], [4, 5, 6])];
    const [fromB, fromA] = [empty(devices[0], 3), empty(devices[1], 3)];
    group(both, () => {
      first.send(a, 1);
      first.recv(fromB, 1);
      second.send(b, 0);
      second.recv(fromA, 0);
    });
    expect(read([fromA, fromB])).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  test('a graph a device replays it', async () => {
    const { devices, first, second, both } = await open();
    const [a, b] = [tensor(devices[0], [1]), tensor(devices[1], [2])];
    const streams = [devices[0].createStream(), devices[1].createStream()] as const;
    let inner: ReturnType<CudaDevice['capture']> | undefined;
    const outer = devices[0].capture(streams[0], () => {
      inner = devices[1].capture(streams[1], () => {
        group(both, () => {
          first.allReduce(a, a);
          second.allReduce(b, b);
        });
      });
    });
    expect(read([a, b])).toEqual([[1], [2]]);
    const execs = [outer.instantiate(), inner!.instantiate()] as const;
    for (const expected of [3, 6]) {
      execs[0].launch(streams[0]);
      execs[1].launch(streams[1]);
      expect(read([a, b])).toEqual([[expected], [expected]]);
    }
    outer.close();
    expect(() => first.close()).toThrow(
      expect.objectContaining({ code: 'USAGE', next: 'close the graphs first' }),
    );
    expect(() => first.abort()).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(first.closed).toBe(false);
    a.close();
    expect(() => execs[0].launch(streams[0])).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    for (const graph of [...execs, inner!]) graph.close();
    expect([first.graphs, second.graphs]).toEqual([0, 0]);
  });

  test('an update moves what a graph holds', async () => {
    const { devices, first, second } = await open();
    const stream = devices[0].createStream();
    const [a, b] = [tensor(devices[0], [1]), tensor(devices[0], [2])];
    const plain = devices[0].capture(stream, () => {
      devices[0].fill(a.buffer, 0);
    });
    const talking = devices[0].capture(stream, () => {
      group([first], () => {
        first.send(b, 1);
      });
    });
    const exec = plain.instantiate();
    expect(first.graphs).toBe(1);
    expect(exec.update(talking)).toBe(true);
    talking.close();
    expect(first.graphs).toBe(1);
    expect(exec.update(plain)).toBe(true);
    expect([first.graphs, second.graphs]).toEqual([0, 0]);
    for (const graph of [exec, plain]) graph.close();
  });
});

describe('groups', () => {
  test('are ended where the work throws, whose error comes out', async () => {
    const { nccl, both } = await open();
    expect(() => {
      group(both, () => {
        throw new Error('the work');
      });
    }).toThrow('the work');
    expect(nccl.calls.slice(-2)).toEqual(['groupStart', 'groupEnd']);
  });

  test('what NCCL finds at their end is an error with its words', async () => {
    const { devices, first, second, both } = await open();
    const [a, b] = [tensor(devices[0], [1]), tensor(devices[1], [1, 2])];
    expect(() => {
      group(both, () => {
        first.allReduce(a, a);
        second.allReduce(b, b);
      });
    }).toThrow(
      expect.objectContaining({
        code: 'NATIVE_CALL',
        message: 'NCCL refused ncclGroupEnd',
        actual: '5 invalid usage: the last error',
      }),
    );
  });

  test('afterwards each device makes its own context current again', async () => {
    const { driver, devices, first, second, both } = await open();
    const [a, b] = [tensor(devices[0], [1]), tensor(devices[1], [1])];
    group(both, () => {
      first.allReduce(a, a);
      second.allReduce(b, b);
    });
    driver.calls = [];
    devices[1].fill(b.buffer, 0);
    expect(driver.calls).toEqual(['cuCtxSetCurrent', 'cuMemsetD8Async']);
  });
});

describe('guards', () => {
  test('before anything is queued', async () => {
    const { nccl, devices, first } = await open();
    const [device, other] = devices;
    const [two, three] = [tensor(device, [1, 2]), tensor(device, [1, 2, 3])];
    const refused = (work: () => void, expected: object): void => {
      expect(work).toThrow(expect.objectContaining(expected));
    };
    nccl.calls = [];
    const guard = { code: 'LAUNCH_GUARD' };
    refused(() => first.allReduce(two, three), { ...guard, actual: '2 elements to give, 3 to take' });
    refused(() => first.allGather(two, three), { ...guard, actual: '4 elements to give, 3 to take' });
    refused(() => first.reduceScatter(three, two), { ...guard, actual: '3 elements to give, 4 to take' });
    refused(() => first.broadcast(two, two, 2), {
      ...guard,
      actual: 'root 2',
      expected: 'a rank from 0 to 1',
    });
    refused(() => first.send(two, -1), { ...guard, actual: 'peer -1' });
    refused(() => first.allReduce(two, empty(device, 2, 'f16')), { ...guard, actual: 'f32 -> f16' });
    refused(() => first.send(empty(device, 2, 'i16'), 1), { ...guard, actual: 'dtype i16' });
    refused(() => first.send(two.view([2], { strides: [2] }), 1), { ...guard, actual: 'strides (2)' });
    refused(() => first.send(two.view([3]), 1), { ...guard, actual: expect.stringContaining('8 bytes') });
    refused(() => first.send(tensor(other, [1]), 1), { code: 'HANDLE_CLOSED' });
    two.close();
    refused(() => first.send(two, 1), { code: 'HANDLE_CLOSED' });
    expect(nccl.calls).toEqual([]);
  });

  test('fp8 needs NCCL 2.24', async () => {
    const { nccl, devices, first } = await open();
    nccl.version = 22_304;
    const [old] = await openCommunicators([devices[0]], { library: nccl.library });
    const eight = empty(devices[0], 2, 'e4m3');
    expect(() => old!.allReduce(eight, eight)).toThrow(expect.objectContaining({ actual: 'dtype e4m3' }));
    old!.close();
    group([first], () => {
      first.send(eight, 1);
    });
  });
});

describe('ends', () => {
  test('an operation that failed later: the wait ends, the communicator is aborted', async () => {
    const { nccl, first } = await open();
    nccl.breakRank(0, 6);
    await expect(first.synchronize()).rejects.toMatchObject({
      code: 'NATIVE_CALL',
      message: expect.stringContaining('rank 0 of 2 failed'),
      next: expect.stringContaining('other ranks'),
    });
    expect([nccl.aborted, nccl.live, first.closed]).toEqual([1, 1, true]);
    expect(() => first.assertHealthy()).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    first.abort();
    expect(nccl.aborted).toBe(1);
  });

  test('work that is still under way is no failure', async () => {
    const { nccl, second } = await open();
    nccl.breakRank(1, 7);
    await second.synchronize();
    expect(second.closed).toBe(false);
  });

  test('without its device a communicator is aborted, not waited for', async () => {
    const { nccl, devices, first, second } = await open();
    devices[0].close();
    first.close();
    second.close();
    expect(nccl.aborted).toBe(1);
  });
});

describe('opening', () => {
  test('one rank with an id from elsewhere', async () => {
    const { nccl, devices } = await open();
    const id = await ncclUniqueId(nccl.library);
    expect([id.length, id[127]]).toEqual([128, 42]);
    const library = nccl.library;
    const rank = await openCommunicator({ device: devices[1], rank: 2, ranks: 3, id, library });
    expect([rank.rank, rank.ranks, rank.what]).toEqual([2, 3, 'the communicator of rank 2 of 3']);
    rank.close();
    const wrong = { device: devices[0], rank: 3, ranks: 3, id, library };
    await expect(openCommunicator(wrong)).rejects.toMatchObject({ code: 'USAGE', actual: 'rank 3 of 3' });
    await expect(openCommunicator({ ...wrong, rank: 0, id: id.slice(1) })).rejects.toMatchObject({
      code: 'USAGE',
      actual: '127 bytes',
    });
    await expect(openCommunicators([devices[0], devices[0]], { library })).rejects.toMatchObject({
      code: 'USAGE',
    });
    await expect(openCommunicators([], { library })).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('devices of one process open their memory to each other, where there is a way', async () => {
    const { driver, nccl, devices } = await open();
    expect(driver.opened).toEqual(['0 to 1', '1 to 0']);
    driver.opened.length = 0;
    driver.peers = 0;
    for (const each of await openCommunicators(devices, { library: nccl.library })) each.close();
    expect(driver.opened).toEqual([]);
    driver.peers = 1;
    driver.fail('cuMemPoolSetAccess', 1);
    await expect(openCommunicators(devices, { library: nccl.library })).rejects.toMatchObject({
      code: 'DRIVER_CALL',
    });
  });

  test('what NCCL refuses', async () => {
    const { nccl, devices } = await open();
    nccl.fail('commInitAll', 2);
    await expect(openCommunicators(devices, { library: nccl.library })).rejects.toMatchObject({
      code: 'NATIVE_CALL',
      message: 'NCCL refused ncclCommInitAll of 2 devices',
      actual: '2 status 2: the last error',
    });
  });

  test('a library that is not there', async () => {
    await expect(loadNccl({ library: '/nowhere/libnccl.so.2' })).rejects.toMatchObject({
      code: 'NATIVE_MISSING',
      actual: expect.stringContaining('/nowhere/libnccl.so.2'),
      next: expect.stringContaining('ROSE_GEN_NCCL'),
    });
  });
});
