import { expect, test } from '@jest/globals';
import { checkNode, checkPlatform, describeDriver } from '../../../src/toolchain/doctor.js';
import { requirePlatform } from '../../../src/toolchain/toolchain.js';

test('Node has to be 20.19 or newer', () => {
  expect(checkNode('20.19.0').status).toBe('ok');
  expect(checkNode('24.1.0').status).toBe('ok');
  expect(checkNode('20.18.3')).toMatchObject({ status: 'wrong', fix: 'install Node 20.19 or newer' });
  expect(checkNode('18.20.0').status).toBe('wrong');
});

test('macOS is told plainly that there are no wheels for it', () => {
  expect(checkPlatform('linux', 'x64')).toEqual({ id: 'platform', status: 'ok', found: 'linux-x64' });
  expect(checkPlatform('darwin', 'arm64')).toMatchObject({
    status: 'wrong',
    found: expect.stringContaining('no macOS wheels') as unknown,
    fix: expect.stringContaining('Linux') as unknown,
  });
  expect(() => requirePlatform('linux', 'riscv64')).toThrow(
    expect.objectContaining({ code: 'TOOLCHAIN_PLATFORM' }),
  );
  expect(() => requirePlatform('win32', 'x64')).not.toThrow();
});

test('a driver too old for the cubins is wrong, no driver is fine', () => {
  expect(describeDriver(undefined).status).toBe('ok');
  expect(describeDriver('580.95.05')).toMatchObject({ status: 'ok', found: 'NVIDIA driver 580.95.05' });
  expect(describeDriver('470.10')).toMatchObject({
    status: 'wrong',
    fix: expect.stringContaining('525') as unknown,
  });
});
