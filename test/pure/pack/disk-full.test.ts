import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';

jest.unstable_mockModule('write-file-atomic', () => ({
  default: () =>
    Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })),
}));
const { writeBundle } = await import('../../../src/pack/index.js');
const { cleanUp, compile, emptyFolder, pack } = await import('./helpers.js');

beforeAll(compile);
afterAll(cleanUp);

test('a full disk is one clear error and leaves no half of a bundle', async () => {
  const file = join(emptyFolder(), 'bundle.tar.gz');
  await expect(writeBundle(file, await pack())).rejects.toEqual(
    expect.objectContaining({
      code: 'OUTPUT_IO',
      actual: expect.stringContaining('ENOSPC') as unknown,
      next: expect.stringContaining('free some disk space') as unknown,
    }),
  );
  expect(existsSync(file)).toBe(false);
});
