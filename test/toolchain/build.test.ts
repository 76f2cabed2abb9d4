import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsKey, openBuilder, stampInputs, upToDate, type Builder } from '../../src/build/index.js';
import { architecture, evaluateGrid, parseManifest } from '../../src/device/index.js';
import { loadSpecs, parseSpec, type KernelSpec } from '../../src/spec/index.js';
import { packagePath } from '../../src/util/package-root.js';
import { SAMPLES } from '../support/sample-specs.js';
import { bindingsOf, variantOf } from '../support/variants.js';

let folder: string;
let builder: Builder;
const samples = Object.entries(SAMPLES).map(([name, text]) => parseSpec(text, `${name}.yaml`));
const byName = (specs: readonly KernelSpec[]) => new Map(specs.map((spec) => [spec.name, spec]));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rose-gen-build-'));
  builder = openBuilder({ storeDir: join(folder, 'store'), jobs: 2 });
}, 300_000);

afterAll(async () => {
  await builder[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('a build', () => {
  test('compiles kernels that the library does not have, for every architecture and both phases', async () => {
    // Each kernel for every architecture, in one phase there and in the other on the next.
    const variants = samples.flatMap((spec, i) =>
      (['sm80', 'sm86', 'sm89', 'sm90', 'sm100', 'sm103', 'sm120', 'sm121'] as const).map((arch, j) =>
        variantOf(
          spec,
          bindingsOf(spec, { hidden: 1000, half: 64, heads: 3 })[0]!,
          arch,
          (i + j) % 2 === 1 ? 'prefill' : 'decode',
          architecture(arch).hasDependentLaunch,
        ),
      ),
    );
    const result = await builder.build({ variants, specs: byName(samples), outDir: join(folder, 'samples') });
    expect(result.rejected).toEqual([]);
    expect(result.manifest.variants).toHaveLength(variants.length);
    expect(result.compiled).toBe(variants.length);
    for (const variant of result.manifest.variants) {
      expect(variant.resources.spillBytes).toBe(0);
      expect(variant.params.length).toBeGreaterThan(variant.tensors.length);
    }
  }, 300_000);

  test('compiles every kernel of the library, tails and long rows included', async () => {
    const library = await loadSpecs(packagePath('specs'));
    const variants = [...library.values()].flatMap((spec) => {
      const first = bindingsOf(spec)[0]!;
      return [variantOf(spec, first, 'sm90'), variantOf(spec, first, 'sm100', 'decode')];
    });
    const norm = library.get('rms_norm')!;
    const rows = [1, 100, 1001, 50008, 65536, 300000].map((hidden) =>
      variantOf(norm, bindingsOf(norm, { hidden })[0]!),
    );
    const result = await builder.build({
      variants: [...variants, ...rows],
      specs: library,
      outDir: join(folder, 'library'),
    });
    expect(result.rejected).toEqual([]);
    expect(result.manifest.variants).toHaveLength(variants.length + rows.length);
  }, 300_000);

  test('compiles every kernel of the library with none of its flags, each alone, and all', async () => {
    const library = await loadSpecs(packagePath('specs'));
    const variants = [...library.values()].flatMap((spec) => {
      const bindings = bindingsOf(spec).filter(({ flags }) => {
        const on = Object.values(flags).filter(Boolean).length;
        return on <= 1 || on === spec.flags.length;
      });
      const flagged = new Map(bindings.map((binding) => [JSON.stringify(binding.flags), binding] as const));
      return [...flagged.values()].map((binding) => variantOf(spec, binding));
    });
    const { manifest, rejected } = await builder.build({
      variants,
      specs: library,
      outDir: join(folder, 'flags'),
    });
    expect(rejected).toEqual([]);
    expect(manifest.variants).toHaveLength(variants.length);
  }, 300_000);

  test('finds everything in the store the second time, and gives the same bytes in another folder', async () => {
    const spec = samples[0]!;
    const variants = [variantOf(spec, bindingsOf(spec, { hidden: 1000 })[0]!, 'sm90')];
    const build = (name: string) =>
      builder.build({ variants, specs: byName(samples), outDir: join(folder, name) });
    const first = await build('one');
    const second = await build('two');
    expect([first.compiled, second.compiled]).toEqual([0, 0]);
    const read = (name: string) => readFile(join(folder, name, 'manifest.json'), 'utf8');
    expect(await read('two')).toBe(await read('one'));
    await parseManifest(await read('one'), 'manifest.json');
  });

  test('rebuilds only what an edit touches, and removes files of variants that are gone', async () => {
    const edited = parseSpec(SAMPLES.SOFT_CAP.replace('* cap', '* cap * 2.0'), 'soft_cap.yaml');
    const specs = byName([samples[0]!, edited]);
    const variants = [...specs.values()].map((spec) =>
      variantOf(spec, bindingsOf(spec, { hidden: 1000 })[0]!, 'sm90'),
    );
    const outDir = join(folder, 'one');
    const result = await builder.build({ variants, specs, outDir });
    expect(result.compiled).toBe(1);
    await builder.build({ variants: variants.slice(1), specs, outDir });
    expect(await readdir(join(outDir, 'cubin'))).toHaveLength(1);
  });

  test('repairs a damaged store', async () => {
    const cas = join(folder, 'store', 'cas');
    for (const name of await readdir(cas, { recursive: true, withFileTypes: true })) {
      if (name.isFile()) await writeFile(join(name.parentPath, name.name), 'damaged');
    }
    const spec = samples[1]!;
    const variants = [variantOf(spec, bindingsOf(spec)[0]!, 'sm90')];
    const notices: string[] = [];
    const onEvent = (event: { kind: string }) => notices.push(event.kind);
    const build = () =>
      builder.build({ variants, specs: byName(samples), outDir: join(folder, 'repaired'), onEvent });
    await build();
    const again = await build();
    expect(again.compiled).toBe(0);
    expect(again.manifest.variants[0]!.files.cubin.bytes).toBeGreaterThan(1000);
  });

  test('the launch rule: a CTA for each tile of rows, none for no rows', async () => {
    const spec = samples.find((each) => each.name === 'int8_rows')!;
    const variants = [variantOf(spec, bindingsOf(spec, { hidden: 128 })[0]!, 'sm90')];
    const { manifest } = await builder.build({
      variants,
      specs: byName(samples),
      outDir: join(folder, 'launch'),
    });
    const [variant] = manifest.variants;
    // 8 threads a row: vectors of 16, the widest store of i8
    const rows = variant!.launch.block[0] / 8;
    expect(evaluateGrid(variant!.launch, { dims: { tokens: 0, hidden: 128 } })).toBeUndefined();
    expect(evaluateGrid(variant!.launch, { dims: { tokens: 1, hidden: 128 } })).toEqual([1, 1, 1]);
    expect(evaluateGrid(variant!.launch, { dims: { tokens: rows + 1, hidden: 128 } })).toEqual([2, 1, 1]);
  });

  test('a measured schedule that does not fit any more gives way to the compiler’s own', async () => {
    const spec = samples[0]!;
    const own = variantOf(spec, bindingsOf(spec, { hidden: 1000, half: 64, heads: 3 })[0]!);
    const stale = { ...own, schedule: { threads: 4096 }, tunedOn: 'a device' };
    const notices: string[] = [];
    const built = async (variant: typeof own, name: string) =>
      (
        await builder.build({
          variants: [variant],
          specs: byName(samples),
          outDir: join(folder, name),
          onEvent: (event) => {
            // The store may tell of what an earlier test damaged.
            if (event.kind === 'notice' && event.message.includes(own.id)) notices.push(event.message);
          },
        })
      ).manifest.variants;
    expect(await built(stale, 'stale')).toEqual(await built(own, 'own'));
    expect(notices).toEqual([`${own.id}: the schedule that was measured on a device does not fit any more`]);
  }, 60_000);

  test('an unchanged output is known by its inputs; an edited input or a damaged file is noticed', async () => {
    const outDir = join(folder, 'launch');
    const input = join(folder, 'input.yaml');
    await writeFile(input, SAMPLES.INT8_ROWS);
    const key = await inputsKey([input], { arch: 'sm90' });
    await stampInputs(outDir, key);
    expect(await upToDate(outDir, key)).toBeDefined();
    expect(await upToDate(outDir, await inputsKey([input], { arch: 'sm100' }))).toBeUndefined();
    const manifest = (await upToDate(outDir, key))!;
    await writeFile(join(outDir, manifest.variants[0]!.files.ptx.path), 'edited');
    expect(await upToDate(outDir, key)).toBeUndefined();
  });
});
