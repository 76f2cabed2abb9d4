/** A bundle unpacked where nothing else is: its doctor and its runtime, in processes of their own. */

import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { EXIT } from '../../../src/cli/exit-codes.js';
import type { Bundle, BundleRecord } from '../../../src/pack/index.js';
import type { Finding } from '../../../src/pack/bundle.js';
import { diagnoseBundle, DOCTOR_EXIT } from '../../../src/pack/doctor.js';
import { diagnoseGpu } from '../../../src/pack/doctor-gpu.js';
import { fakeDriver } from '../runtime/helpers.js';
import { cleanUp, compile, HOST, inBundle, node, pack, unpack } from './helpers.js';

let bundle: Bundle;
beforeAll(async () => {
  await compile();
  bundle = await pack();
});
afterAll(cleanUp);

let root: string;
beforeEach(async () => {
  root = await unpack(bundle);
});

/** No such library: what a machine without a driver has, on every machine. */
const NO_DRIVER = ['--driver', '/nowhere/libcuda.so.1'];
const doctor = (...args: readonly string[]) => node(join(root, 'doctor.mjs'), ...NO_DRIVER, ...args);
const findings = async (): Promise<readonly Finding[]> =>
  JSON.parse((await doctor('--json')).stdout) as readonly Finding[];
const statuses = (found: readonly Finding[]): Record<string, string> =>
  Object.fromEntries(found.map(({ id, status }) => [id, status]));

describe('the doctor', () => {
  test('ends with the exit codes of the command line', () => {
    expect(EXIT).toMatchObject(DOCTOR_EXIT);
  });

  test('lists what is well and what this machine lacks', async () => {
    const { code, stdout } = await doctor();
    expect(code).toBe(DOCTOR_EXIT.missing);
    expect(stdout).toMatch(/^ok {7}node/m);
    expect(stdout).toContain(`${bundle.record.files.length} files, each as it was packed`);
    expect(stdout).toMatch(/^missing {2}driver .*\/nowhere\/libcuda/m);
    expect(stdout).toContain('fix: install the NVIDIA driver, 570.26 or later');
    expect(statuses(await findings())).toEqual({
      node: 'ok',
      platform: 'ok',
      files: 'ok',
      driver: 'missing',
      device: 'skipped',
    });
  });

  test.each([
    'kernels/cubin/scale.width8.f32.sm90.decode.cubin',
    'kernels/manifest.json',
    'runtime/util/errors.js',
    'runtime/pack/doctor.js',
    `node_modules/@koromix/koffi-${HOST}/${HOST.replace('-', '_')}/koffi.node`,
    'README.txt',
  ])('names %s where it was changed or is gone', async (path) => {
    appendFileSync(join(root, path), '\n');
    const { code, stdout } = await doctor();
    expect(code).toBe(DOCTOR_EXIT.failed);
    expect(stdout).toContain(`${path} is not the file that was packed`);
    expect(stdout).toMatch(/^skipped {2}driver/m);
    rmSync(join(root, path));
    const gone = await doctor();
    expect(gone.code).toBe(DOCTOR_EXIT.failed);
    expect(gone.stdout).toContain(path.split('/').at(-1));
  });

  test('names itself where it no longer loads', async () => {
    writeFileSync(join(root, 'runtime/pack/doctor.js'), 'export const = ;');
    expect(await doctor()).toMatchObject({
      code: DOCTOR_EXIT.failed,
      stdout: expect.stringContaining('runtime/pack/doctor.js is damaged') as unknown,
    });
    const [only] = await findings();
    expect(only).toMatchObject({ id: 'files', status: 'wrong', fix: expect.any(String) as unknown });
  });

  test.each(['{', '{"schema":2}', '{"schema":1}', 'null'])('says so where the record is %s', async (text) => {
    writeFileSync(join(root, 'BUNDLE.json'), text);
    const { code, stdout } = await doctor();
    expect(code).toBe(DOCTOR_EXIT.failed);
    expect(stdout).toContain('BUNDLE.json');
  });

  test('counts the files that it does not name', async () => {
    for (const { path } of bundle.record.files.filter(({ path }) => path.startsWith('kernels/')))
      rmSync(join(root, path));
    const [, , files] = await diagnoseBundle(root, { node: '20.19.0', platform: HOST });
    expect(files).toMatchObject({
      status: 'wrong',
      found: expect.stringMatching(/is missing; and 1 more$/) as unknown,
    });
  });

  test('asks for its own Node and platform', async () => {
    const check = async (version: string, platform: string): Promise<Record<string, string>> =>
      statuses(await diagnoseBundle(root, { node: version, platform, driver: NO_DRIVER[1]! }));
    expect(await check('20.18.3', HOST)).toMatchObject({
      node: 'missing',
      platform: 'ok',
      driver: 'missing',
    });
    expect(await check('20.19.0', HOST)).toMatchObject({ node: 'ok' });
    expect(await check('100.0.0', 'sunos-sparc')).toMatchObject({
      node: 'ok',
      platform: 'missing',
      driver: 'skipped',
    });
  });

  test('refuses what it does not know', async () => {
    expect(await doctor('--jsn')).toMatchObject({ code: EXIT.usage });
    expect(await node(join(root, 'doctor.mjs'), '--driver')).toMatchObject({ code: EXIT.usage });
    expect(await doctor('--help')).toMatchObject({ code: EXIT.ok });
  });
});

describe('the doctor on a machine with a driver', () => {
  const check = (driver: ReturnType<typeof fakeDriver>, change: Partial<BundleRecord> = {}) =>
    diagnoseGpu({ ...bundle.record, ...change }, join(root, 'kernels'), driver);
  const device = (name: string, capability: readonly [number, number]) => ({
    name,
    capability,
    memoryBytes: 2 ** 30,
  });

  test('counts the variants of each GPU', async () => {
    const driver = fakeDriver({ devices: [device('A', [9, 0]), device('B', [8, 0])] });
    const found = await check(driver);
    expect(found).toEqual([
      { id: 'driver', status: 'ok', found: 'CUDA 12.8' },
      { id: 'device', status: 'ok', found: '0: A, sm90, 2 of 4 variants; 1: B, sm80, 0 of 4 variants' },
    ]);
  });

  test('says which GPU there are no kernels for', async () => {
    const [, found] = await check(fakeDriver({ devices: [device('B', [8, 0])] }));
    expect(found).toMatchObject({
      status: 'missing',
      fix: expect.stringContaining('--arch sm80') as unknown,
    });
    expect(found!.found).toContain('the kernels are for sm100, sm90');
  });

  test('says that the driver is too old', async () => {
    const driver = fakeDriver();
    driver.version = 12_020;
    expect(await check(driver)).toMatchObject([
      { id: 'driver', status: 'missing', found: 'CUDA 12.2, needs CUDA 12.8 or later' },
      { id: 'device', status: 'ok' },
    ]);
    expect(await check(driver, { minimumDriver: '525.60.13' })).toMatchObject([
      { status: 'ok' },
      { status: 'ok' },
    ]);
  });

  test('tells no GPU from a driver that fails', async () => {
    expect(await check(fakeDriver({ devices: [] }))).toMatchObject([
      { id: 'driver', status: 'ok' },
      { id: 'device', status: 'missing' },
    ]);
    const none = fakeDriver();
    none.fail('cuInit', 100);
    expect(await check(none)).toMatchObject([
      { id: 'driver', status: 'ok' },
      { id: 'device', status: 'missing' },
    ]);
    const broken = fakeDriver();
    broken.fail('cuInit', 999);
    expect(await check(broken)).toMatchObject([
      { id: 'driver', status: 'missing', fix: expect.any(String) as unknown },
      { id: 'device', status: 'skipped' },
    ]);
  });
});

describe('the runtime of an unpacked bundle', () => {
  const errorOf = (open: string): string => `
    try { await bundle.openLibrary(bundle.kernelsFolder, ${open}); }
    catch (error) { result = error.toJSON(); }`;

  test('calls the driver through its own koffi', async () => {
    const error = await inBundle(root, errorOf(`{ driver: ${JSON.stringify(NO_DRIVER[1])} }`));
    expect(error).toMatchObject({
      code: 'DRIVER_MISSING',
      actual: expect.stringContaining('/nowhere/libcuda.so.1: ') as unknown,
    });
  });

  test('says that it has no simulator', async () => {
    const error = await inBundle(root, errorOf(`{ device: 'sim' }`));
    expect(error).toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: 'this bundle was packed without the simulator',
      next: expect.stringContaining('--sim') as unknown,
    });
  });

  test('launches by its bindings in the simulator that it was packed with', async () => {
    const whole = await unpack(await pack({ simulator: true, archs: ['sm90'] }));
    const bindings = readFileSync(join(whole, 'kernels/bindings.js'), 'utf8');
    const name = /export function (\w+)/.exec(bindings)![1]!;
    const out = await inBundle<number[]>(
      whole,
      `const library = await bundle.openLibrary(bundle.kernelsFolder, { device: 'sim' });
       const x = library.tensor('f32', [2, 8], { values: Float32Array.from({ length: 16 }, (_, i) => i) });
       const out = library.tensor('f32', [2, 8]);
       bundle.kernels.${name}(library, { x, out, factor: 2.5 });
       result = [...out.read()];
       for (const tensor of [x, out]) tensor.close();
       library.close();`,
    );
    expect(out).toEqual(Array.from({ length: 16 }, (_, i) => 2.5 * i));
  });

  test('can be imported by the names that a program is developed with', async () => {
    const file = join(root, 'program.mjs');
    writeFileSync(
      file,
      `import { openLibrary } from 'rose-gen/runtime';
       import { RoseError } from 'rose-gen/errors';
       import * as kernels from 'rose-gen/kernels';
       console.log(typeof openLibrary, typeof RoseError, Object.keys(kernels).length);`,
    );
    expect(await node(file)).toMatchObject({ code: 0, stdout: 'function function 1\n' });
  });
});
