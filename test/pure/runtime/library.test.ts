import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { expr, parseExpr } from '../../../src/device/index.js';
import type { CudaDevice } from '../../../src/runtime/index.js';
import { DeviceTensor, openCuda, openDevice, openLibrary, type Library } from '../../../src/runtime/index.js';
import {
  fakeDriver,
  openBoth,
  removeFolders,
  SCALE,
  SCALE_KERNEL,
  SCALE_VARIANTS,
  scaleVariant,
  writeLibrary,
} from './helpers.js';
import { FakeDriver } from '../../support/fake-driver.js';

afterAll(removeFolders);

const values = (count: number): number[] => Array.from({ length: count }, (_, i) => i - 3);

function tensors(library: Library, rows = 5) {
  return {
    x: library.tensor('f32', [rows, 8], { values: values(rows * 8), name: 'x' }),
    out: library.tensor('f32', [rows, 8], { values: new Float32Array(rows * 8), name: 'out' }),
    factor: 2.5,
  };
}

const one = expr.const(1);
const BUILD = 'rose-gen build --model MODEL --kernel scale --arch sm90';
const guard = (expected: object) =>
  expect.objectContaining({ code: 'LAUNCH_GUARD', ...expected }) as unknown as Error;

describe('the same library on both devices', () => {
  test('launches, again and again, and on a stream', async () => {
    for (const { library } of await openBoth()) {
      const args = tensors(library);
      library.launch(SCALE, args);
      expect([...args.out.read()]).toEqual(values(40).map((value) => value * 2.5));
      const stream = library.device.createStream();
      library.launch(SCALE, { ...args, factor: -1 }, { stream: stream.handle, phase: 'prefill' });
      await stream.synchronize();
      expect([...args.out.read()]).toEqual(values(40).map((value) => -value));
      library.launch(SCALE, tensors(library, 0));
      expect(() => library.launch(SCALE, args, { stream: 99_999n })).toThrow(
        expect.objectContaining({ code: 'HANDLE_CLOSED' }),
      );
      library.close();
      expect(() => library.launch(SCALE, args)).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    }
  });

  test('every guard refuses before the launch, in the same words', async () => {
    const messages: string[][] = [];
    for (const { name, library } of await openBoth()) {
      const args = tensors(library);
      const other = await openDevice(name === 'sim' ? 'sim' : 'cuda', { driver: fakeDriver() });
      const freed = library.tensor('f32', [5, 8]);
      freed.close();
      const wrong: [object, object][] = [
        [{ x: undefined }, { message: expect.stringContaining('tensor x is missing') }],
        [{ factor: undefined }, { expected: 'a number (f32)' }],
        [{ x: library.tensor('bf16', [5, 8]) }, { actual: 'bf16', expected: 'f32' }],
        [{ x: args.x.view([5, 8], { offsetBytes: 16 }) }, { expected: 'aligned to 32 bytes' }],
        [{ out: args.out.view([5, 8], { strides: [16, 1] }) }, { expected: 'a stride of 8 elements' }],
        [
          { out: library.tensor('f32', [4, 8]).view([5, 8]) },
          { actual: expect.stringContaining('128 bytes') },
        ],
        [{ out: freed }, { expected: 'live memory' }],
        [
          { out: DeviceTensor.create(other, 'f32', [5, 8]) },
          { message: expect.stringContaining('not in memory') },
        ],
        [
          { out: { dtype: 'f32', shape: [5, 8], address: 32n } },
          { actual: expect.stringContaining('no buffer') },
        ],
      ];
      messages.push([]);
      for (const [change, expected] of wrong) {
        const call = { ...args, ...change };
        expect(() => library.launch(SCALE, call)).toThrow(guard(expected));
        try {
          library.launch(SCALE, call);
        } catch (error) {
          messages.at(-1)!.push((error as Error).message);
        }
      }
      other.close();
      library.close();
    }
    expect(messages[0]).toEqual(messages[1]);
    expect(new Set(messages[0]).size).toBeGreaterThan(6);
  });

  test('a plain tensor in a buffer of the device is as good', async () => {
    for (const { library } of await openBoth()) {
      const args = tensors(library);
      const plain = { dtype: 'f32', shape: [5, 8], address: args.x.address };
      library.launch(SCALE, { ...args, x: plain });
      expect(args.out.read()[4]).toBe(2.5);
      args.x.close();
      expect(() => library.launch(SCALE, { ...args, x: plain })).toThrow(guard({}));
      library.close();
    }
  });

  test('a bound launch runs on, takes other arguments, and notices what was freed', async () => {
    for (const { library } of await openBoth()) {
      const args = tensors(library);
      const bound = library.bind(SCALE, args);
      bound.run();
      expect(args.out.read()[4]).toBe(2.5);
      bound.set('factor', 10).run();
      expect(args.out.read()[4]).toBe(10);
      const other = library.tensor('f32', [5, 8], { values: values(40) });
      bound.set('x', other).run();
      expect(bound.variant).toBe('scale.width8.f32.sm90.decode');
      other.close();
      expect(() => bound.run()).toThrow(guard({ expected: 'live memory' }));
      expect(() => bound.set('x', library.tensor('f32', [5, 4])).run()).toThrow(
        guard({ actual: '(5, 4)', expected: '(rows, width)' }),
      );
      library.close();
    }
  });
});

describe('which variant', () => {
  const ran = (
    library: Library,
    args: Parameters<Library['launch']>[1],
    options?: Parameters<Library['launch']>[2],
  ) => library.bind(SCALE, args, options).variant;

  test('the phase is what the call says, else what its rows say', async () => {
    const library = await openLibrary(writeLibrary(), { device: 'sim' });
    expect(ran(library, tensors(library, 128))).toContain('decode');
    expect(ran(library, tensors(library, 129))).toContain('prefill');
    expect(ran(library, tensors(library, 1), { phase: 'prefill' })).toContain('prefill');
    library.close();
  });

  test('clusters that share rows serve as many as leave SMs idle, and more than fit at once with less sharing', async () => {
    const { launch, resources } = scaleVariant();
    const shared = (phase: string, ctas: number, ctasPerSm: number) =>
      scaleVariant({
        id: `scale.${phase}`,
        phase,
        launch: { ...launch, grid: [parseExpr(`rows * ${ctas}`), one, one], cluster: [ctas, 1, 1] },
        resources: { ...resources, ctasPerSm },
      });
    const folder = writeLibrary([shared('decode', 8, 5), shared('prefill', 2, 1)]);
    const library = await openLibrary(folder, { device: 'sim' });
    // Two CTAs of a decode cluster on each SM, and one of a prefill cluster.
    const few = library.device.multiprocessors / 4;
    const fitting = library.device.multiprocessors / 2;
    const phaseOf = (rows: number) => {
      const variant = ran(library, tensors(library, rows));
      const why = library.why({ kernel: 'scale', rows });
      expect(why.variant).toBe(variant);
      return [variant, why.reasons.at(-1)];
    };
    expect(phaseOf(few)).toEqual(['scale.decode', `${few} rows are at most 128`]);
    expect(phaseOf(few + 1)).toEqual([
      'scale.prefill',
      `${few + 1} rows of scale.decode crowd the SMs with its clusters`,
    ]);
    expect(phaseOf(fitting)[0]).toBe('scale.prefill');
    expect(phaseOf(fitting + 1)[0]).toBe('scale.decode');
    expect(phaseOf(129)).toEqual(['scale.prefill', '129 rows are more than 128']);
    expect(ran(library, tensors(library, fitting), { phase: 'decode' })).toBe('scale.decode');
    library.close();
    // Where an SM runs one CTA of a decode cluster, more rows have several turns: the fewer serve them.
    const slow = writeLibrary([shared('decode', 8, 1), shared('prefill', 2, 1)]);
    const once = await openLibrary(slow, { device: 'sim' });
    const most = Math.floor(once.device.multiprocessors / 8);
    const chosen = [most, most + 1, fitting + 1, 128].map((rows) => ran(once, tensors(once, rows)));
    expect(chosen).toEqual(['scale.decode', 'scale.prefill', 'scale.prefill', 'scale.prefill']);
    once.close();
  });

  test('the architecture is the device’s, the exact one first', async () => {
    const wide = scaleVariant({ id: 'scale.sm100f', arch: 'sm100f' });
    const folder = writeLibrary([...SCALE_VARIANTS, wide]);
    const open = (arch: string) => openLibrary(folder, { device: 'sim', arch });
    const pick = (library: Library) => library.why({ kernel: 'scale', phase: 'decode' }).variant;
    expect(pick(await open('sm90'))).toBe('scale.width8.f32.sm90.decode');
    expect(pick(await open('sm100'))).toBe('scale.width8.f32.sm100.decode');
    expect(pick(await open('sm103'))).toBe('scale.sm100f');
    await expect(open('sm89')).rejects.toMatchObject({
      code: 'LIBRARY_MISS',
      actual: 'PTX simulator, sm89',
      next: expect.stringContaining('--arch sm89'),
    });
  });

  test('dims choose, and a launch with dependent launch comes first', async () => {
    const { launch } = scaleVariant();
    const width = (size: number) => ({
      dims: { rows: 'dynamic', width: size } as const,
      guards: [{ kind: 'dimEquals', dim: 'width', value: size }] as const,
    });
    const plain = { launch: { ...launch, pdl: false }, flags: { dependent_launch: false, negate: false } };
    const library = await openLibrary(
      writeLibrary([
        scaleVariant({ id: 'a-plain', ...plain }),
        scaleVariant({ id: 'b-eight' }),
        scaleVariant({ id: 'c-sixteen', ...width(16) }),
      ]),
      { device: 'sim' },
    );
    expect(ran(library, tensors(library))).toBe('b-eight');
    const sixteen = { x: library.tensor('f32', [3, 16]), out: library.tensor('f32', [3, 16]), factor: 1 };
    expect(ran(library, sixteen)).toBe('c-sixteen');
    expect(library.why({ kernel: 'scale', flags: { dependent_launch: false } }).variant).toBe('a-plain');
    library.close();
  });

  test('exactly the one that is named', async () => {
    const library = await openLibrary(writeLibrary(), { device: 'sim' });
    const args = tensors(library);
    library.launchVariant('scale.width8.f32.sm90.prefill', args);
    expect(args.out.read()[4]).toBe(2.5);
    expect(() => library.launchVariant('scale.width8.f32.sm100.decode', args)).toThrow(
      expect.objectContaining({ code: 'VARIANT_UNKNOWN', actual: 'sm90', expected: 'sm100' }),
    );
    library.close();
  });

  test('a miss says what was asked, what is there, what is nearest and how to build it', async () => {
    const library = await openLibrary(writeLibrary(), { device: 'sim' });
    const args = tensors(library);
    const wide = { ...args, x: library.tensor('f32', [5, 12]), out: library.tensor('f32', [5, 12]) };
    expect(() => library.launch(SCALE, wide, { phase: 'decode' })).toThrow(
      expect.objectContaining({
        code: 'LIBRARY_MISS',
        actual: expect.stringMatching(
          /asked for scale with T = f32, negate = false for decode on sm90; nearest is scale.width8.f32.sm90.decode: the tensor x has another shape: \(5, 12\), not \(rows, width\)/,
        ),
        next: `build it: ${BUILD} --phase decode --dim width=12 --type T=f32 --flag negate=false`,
      }),
    );
    expect(() => library.launch({ ...SCALE, types: { T: 'bf16' } }, args)).toThrow(
      expect.objectContaining({ actual: expect.stringContaining('type T is f32, not bf16') }),
    );
    expect(() => library.launch({ ...SCALE, kernel: 'scalle' }, args)).toThrow(
      expect.objectContaining({ code: 'LIBRARY_MISS', next: 'did you mean scale?' }),
    );
    const many = { x: library.tensor('f32', [1001, 8]), out: library.tensor('f32', [1001, 8]), factor: 1 };
    expect(() => library.launch(SCALE, many)).toThrow(
      guard({ actual: 'rows = 1001 by x', expected: 'at most 1000' }),
    );
    library.close();
  });

  test('tensors that no variant takes together are a wrong call, not a miss', async () => {
    const shape = (text: string) => text.split(', ').map((each) => parseExpr(each));
    const tensor = (name: string, text: string) => ({
      ...scaleVariant().tensors.find((each) => each.name === name)!,
      shape: shape(text),
      strides: shape(text).map((_, axis) => expr.stride(name, axis)),
    });
    const variant = scaleVariant({
      dims: { rows: 'dynamic', width: 8 },
      tensors: [tensor('x', 'rows + 1, 8'), tensor('out', 'rows')],
    });
    const wider = {
      dims: { rows: 'dynamic', width: 16 },
      tensors: [tensor('x', 'rows + 1, 16'), tensor('out', 'rows')],
    } as const;
    const library = await openLibrary(
      writeLibrary([scaleVariant({ ...variant, ...wider, id: 'wide' }), variant]),
      {
        device: 'sim',
      },
    );
    const call = (x: readonly number[], out: readonly number[]) => () =>
      library.launch(SCALE, { x: library.tensor('f32', x), out: library.tensor('f32', out), factor: 1 });
    expect(call([17, 8], [4])).toThrow(
      guard({
        message: 'x and out contradict each other (scale.width8.f32.sm90.decode)',
        actual: 'x (17, 8) has 17 elements along axis 0, rows = 4 by out',
        expected: '5 elements along axis 0 of x: rows + 1 = 5',
        next: 'pass tensors that agree in rows',
      }),
    );
    expect(call([5, 8, 1], [4])).toThrow(guard({ actual: '(5, 8, 1)', expected: '(rows + 1, 8)' }));
    expect(call([17, 12], [4])).toThrow(
      expect.objectContaining({ code: 'LIBRARY_MISS', next: expect.stringContaining('--dim width=12 ') }),
    );
    library.close();
  });

  test('what a miss says to build is something that a build can make', async () => {
    const once = scaleVariant({ id: 'once.decode', kernel: 'once', dims: { rows: 'dynamic', width: 8 } });
    const library = await openLibrary(writeLibrary([...SCALE_VARIANTS, once]), {
      device: 'sim',
      arch: 'sm90',
    });
    const why = (question: Parameters<Library['why']>[0]) => library.why(question);
    // Made for decode alone: prefill is not suggested, neither where it runs without a phase nor where its dims differ.
    expect(why({ kernel: 'once', phase: 'prefill' })).toEqual({
      reasons: ['none of 1 variants of once matches', 'leave the phase out: once.decode serves the call'],
      others: [{ id: 'once.decode', because: ['it is for decode'] }],
    });
    expect(why({ kernel: 'once', phase: 'prefill', dims: { width: 16, rows: 4 } }).build).toBe(
      'rose-gen build --model MODEL --kernel once --arch sm90 --dim width=16',
    );
    // Of a call, the variant that its tensors fit.
    const wide = scaleVariant({
      id: 'once.wide',
      kernel: 'once',
      dims: { rows: 'dynamic', width: 16 },
    });
    const both = await openLibrary(writeLibrary([wide, once, ...SCALE_VARIANTS]), { device: 'sim' });
    expect(() => both.launch({ ...SCALE, kernel: 'once' }, tensors(both), { phase: 'prefill' })).toThrow(
      expect.objectContaining({
        code: 'LIBRARY_MISS',
        next: 'leave the phase out: once.decode serves the call',
      }),
    );
    both.close();
    const other = {
      phase: 'decode',
      types: { T: 'bf16' },
      flags: { negate: true, dependent_launch: false },
    } as const;
    expect(why({ kernel: 'scale', ...other }).build).toBe(
      `${BUILD} --phase decode --type T=bf16 --flag negate=true --no-dependent-launch`,
    );
    expect(why({ kernel: 'unheard_of', phase: 'prefill' }).build).toBe(
      'rose-gen build --model MODEL --kernel unheard_of --arch sm90',
    );
    // No build gives a kernel a name that it does not have.
    const odd = why({ kernel: 'scale', dims: { widht: 16 } });
    expect([odd.build, odd.reasons.at(-1)]).toEqual([
      undefined,
      'scale has no dimension widht: did you mean width?',
    ]);
    library.close();
  });

  test('why', async () => {
    const library = await openLibrary(writeLibrary(), { device: 'sim' });
    expect(library.why({ kernel: 'scale', rows: 4 })).toMatchObject({
      variant: 'scale.width8.f32.sm90.decode',
      reasons: [
        'it is built for sm90',
        'it is the schedule for decode',
        'input norm of each layer',
        '4 rows are at most 128',
      ],
    });
    const missing = library.why({ kernel: 'scale', phase: 'decode', dims: { width: 4096 } });
    expect(missing.variant).toBeUndefined();
    expect(missing.others[0]).toEqual({
      id: 'scale.width8.f32.sm90.decode',
      because: ['dimension width is 8, not 4096'],
    });
    expect(missing.build).toBe(
      'rose-gen build --model MODEL --kernel scale --arch sm90 --phase decode --dim width=4096',
    );
    library.close();
  });
});

describe('strides and named dims', () => {
  const variant = scaleVariant({
    dims: { rows: 'dynamic', width: 8, extra: 'dynamic' },
    tensors: scaleVariant().tensors.map((tensor) => ({
      ...tensor,
      strides: [expr.stride(tensor.name, 0), expr.const(1)],
    })),
    params: [
      { name: 'x', kind: 'pointer', offset: 0, size: 8, source: { kind: 'tensor', tensor: 'x' } },
      { name: 'out', kind: 'pointer', offset: 8, size: 8, source: { kind: 'tensor', tensor: 'out' } },
      { name: 'stride', kind: 'i64', offset: 16, size: 8, source: { kind: 'stride', tensor: 'x', axis: 0 } },
      { name: 'extra', kind: 'u32', offset: 24, size: 4, source: { kind: 'dim', dim: 'extra' } },
      { name: 'count', kind: 'i32', offset: 28, size: 4, source: { kind: 'scalar', name: 'count' } },
      { name: 'gap', kind: 'bytes', offset: 32, size: 1, source: { kind: 'zero' } },
    ],
    guards: [{ kind: 'strideMultiple', tensor: 'x', axis: 0, value: 4 }],
  });
  const params = variant.params.map(({ offset, size }) => [offset, size] as const);

  test('are packed where the manifest says', async () => {
    const driver = new FakeDriver({ kernels: { scale_0: { params } } });
    const library = await openLibrary(writeLibrary([variant]), { driver });
    const memory = library.tensor('f32', [5, 16]);
    const out = library.tensor('f32', [5, 8]);
    const x = memory.view([5, 8], { strides: [16, 1] });
    library.launch(SCALE, { x, out, extra: 3_000_000_000, count: -7 });
    const { parameters } = driver.launches[0]!;
    expect(parameters.getBigUint64(0, true)).toBe(memory.address);
    expect(parameters.getBigInt64(16, true)).toBe(16n);
    expect(parameters.getUint32(24, true)).toBe(3_000_000_000);
    expect(parameters.getInt32(28, true)).toBe(-7);
    expect(parameters.byteLength).toBe(33);
    const call = { x, out, extra: 1, count: 1 };
    expect(() => library.launch(SCALE, { ...call, count: 2 ** 31 })).toThrow(guard({ actual: '2147483648' }));
    expect(() => library.launch(SCALE, { ...call, count: 0.5 })).toThrow(guard({ actual: '0.5' }));
    expect(() => library.launch(SCALE, { x, out, count: 1 })).toThrow(guard({ actual: 'nothing' }));
    expect(() => library.launch(SCALE, { ...call, x: memory.view([5, 8], { strides: [10, 1] }) })).toThrow(
      guard({ actual: '10 elements', expected: 'a multiple of 4' }),
    );
    library.close();
    expect(driver.live).toEqual({});
  });
});

describe('graphs', () => {
  test('a captured launch runs at replay, and its buffers are watched', async () => {
    const library = await openLibrary(writeLibrary(), { driver: fakeDriver() });
    const device = library.device as CudaDevice;
    const args = tensors(library);
    library.preload();
    const bound = library.bind(SCALE, args);
    const stream = device.createStream();
    const graph = device.capture(stream, () => {
      library.launch(SCALE, args);
      bound.run();
    });
    expect(graph.nodes).toBe(2);
    const exec = graph.instantiate();
    expect(args.out.read()[4]).toBe(0);
    exec.launch(stream);
    expect(args.out.read()[4]).toBe(2.5);
    bound.set('factor', 3).run();
    expect(args.out.read()[4]).toBe(3);
    library.tensor('f32', [1, 8]).close();
    exec.launch(stream);
    args.x.close();
    expect(() => exec.launch(stream)).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    library.close();
  });
});

describe('files', () => {
  test('a damaged, swapped or missing file is found before it is loaded', async () => {
    const folder = writeLibrary();
    const id = 'scale.width8.f32.sm90.decode';
    const driver = fakeDriver();
    const library = await openLibrary(folder, { driver });
    const args = tensors(library);
    expect(library.verify()).toEqual([]);
    writeFileSync(join(folder, `cubin/${id}.cubin`), 'other bytes');
    expect(() => library.launch(SCALE, args)).toThrow(
      expect.objectContaining({
        code: 'LIBRARY_DAMAGED',
        actual: expect.stringContaining('11 bytes'),
        place: { file: join(folder, `cubin/${id}.cubin`) },
      }),
    );
    rmSync(join(folder, `cubin/${id}.cubin`));
    expect(library.verify().map(({ message }) => message)).toEqual(['a file of the library is missing']);
    expect(driver.calls).not.toContain('cuModuleLoadData');
    library.close();
    expect(driver.live).toEqual({});
  });

  test('a cubin whose parameters are elsewhere is unloaded again', async () => {
    const kernel = { ...SCALE_KERNEL, params: [[0, 8]] as const };
    const driver = new FakeDriver({ kernels: { scale_0: kernel } });
    const library = await openLibrary(writeLibrary(), { driver });
    expect(() => library.launch(SCALE, tensors(library))).toThrow(
      expect.objectContaining({ code: 'CUBIN_INVALID' }),
    );
    expect(driver.live).not.toHaveProperty('module');
    library.close();
  });

  test('a manifest that is not one', async () => {
    const folder = writeLibrary();
    const file = join(folder, 'manifest.json');
    const text = readFileSync(file, 'utf8');
    const cases: [string, object][] = [
      [text.slice(0, 300), { message: 'the manifest is damaged' }],
      [
        text.replace('"schema": 1', '"schema": 2'),
        { actual: 'schema 2', expected: 'schema 1', next: expect.stringContaining('update') },
      ],
      [text.replace('"kernel": "scale"', '"kernel": 5'), { actual: 'another thing at /variants/0/kernel' }],
    ];
    for (const [broken, expected] of cases) {
      expect(broken).not.toBe(text);
      writeFileSync(file, broken);
      await expect(openLibrary(folder, { device: 'sim' })).rejects.toMatchObject({
        code: 'MANIFEST_INVALID',
        place: { file },
        ...expected,
      });
    }
    const damagedVariants: [string, object][] = [
      [
        text.replaceAll('"block": [', '"block": [1,'),
        { actual: expect.stringContaining('decode/launch/block') },
      ],
      [text.replaceAll('"ptx/', '"../ptx/'), { actual: expect.stringContaining('decode/files/ptx/path') }],
      [
        text.replaceAll('"name": "rows"', '"name": "colums"'),
        { message: expect.stringContaining('contradicts itself at scale.width8.f32.sm90') },
      ],
    ];
    for (const [broken, expected] of damagedVariants) {
      writeFileSync(file, broken);
      const library = await openLibrary(folder, { device: 'sim' });
      expect(() => library.launch(SCALE, tensors(library))).toThrow(
        expect.objectContaining({ code: 'MANIFEST_INVALID', ...expected }),
      );
      expect(library.verify()).toHaveLength(2);
      library.close();
    }
    await expect(openLibrary(join(folder, 'none'), { device: 'sim' })).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      actual: 'no such file',
    });
  });

  test('a driver that is too old for the library, with nothing left open', async () => {
    const driver = fakeDriver();
    driver.version = 11_080;
    await expect(openLibrary(writeLibrary(), { driver })).rejects.toMatchObject({
      code: 'DRIVER_MISSING',
      actual: 'CUDA 11.8',
      expected: 'CUDA 12.0 or later (driver 525.60.13)',
    });
    expect(driver.live).toEqual({});
  });
});

describe('the end', () => {
  test('a library closes the device it opened, and leaves one it was given', async () => {
    const driver = fakeDriver();
    const device = await openCuda({ driver });
    const folder = writeLibrary();
    const given = await openLibrary(folder, { device });
    given.preload({ phase: 'decode' });
    expect(driver.live).toMatchObject({ module: 1 });
    given.close();
    expect(driver.live).toEqual({ context: 1, event: 1, stream: 1 });
    device.close();
    expect(driver.live).toEqual({});
    const own = await openLibrary(folder, { driver });
    own.launch(SCALE, tensors(own));
    own.close();
    expect(driver.live).toEqual({});
  });

  test('a fault in a launch is reported at the next wait, and everything can still be closed', async () => {
    const driver = fakeDriver();
    const library = await openLibrary(writeLibrary(), { driver });
    const args = tensors(library);
    library.launch(SCALE, args);
    driver.poison(719);
    await expect(library.device.synchronize()).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    expect(() => library.launch(SCALE, args)).toThrow(expect.objectContaining({ code: 'DEVICE_LOST' }));
    args.x.close();
    library.close();
    expect(driver.live).toEqual({});
  });
});
