import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, jest, test } from '@jest/globals';
import { onLeak, openCuda, Resource } from '../../../src/runtime/index.js';
import { fakeDriver } from './helpers.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const leaked: string[] = [];

afterEach(() => {
  onLeak();
  leaked.length = 0;
});

class Thing extends Resource {
  released = 0;
  protected override release(): void {
    this.released++;
  }
}

/** Collects until `done`, at most a number of rounds. */
async function collectUntil(done: () => boolean): Promise<void> {
  for (let round = 0; round < 50 && !done(); round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('closing releases once, by hand or by its symbol', () => {
  const thing = new Thing('a thing');
  thing[Symbol.dispose]();
  thing.close();
  expect([thing.closed, thing.released]).toEqual([true, 1]);
});

test('what was forgotten is reported, what was closed is not', async () => {
  onLeak((what) => leaked.push(what));
  const device = await openCuda({ driver: fakeDriver() });
  (() => {
    device.alloc(64, { name: 'kept by nobody' });
    device.alloc(32, { name: 'closed' }).close();
    device.createStream();
  })();
  await collectUntil(() => leaked.length >= 2);
  expect([...leaked].sort()).toEqual(['a CUDA stream', 'the buffer "kept by nobody" of 64 bytes']);
  device.close();
});

test('without a listener a leak is a warning of the process', async () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  (() => new Thing('a forgotten thing'))();
  await collectUntil(() => warn.mock.calls.length > 0);
  expect(warn).toHaveBeenCalledWith('a forgotten thing was garbage collected before it was closed', {
    code: 'ROSE_GEN_LEAK',
  });
  warn.mockRestore();
});
