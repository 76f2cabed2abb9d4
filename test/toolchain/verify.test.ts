import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { openBuilder, type Builder } from '../../src/build/index.js';
import type { PlannedVariant } from '../../src/plan/index.js';
import { loadSpecs, type KernelSpec } from '../../src/spec/index.js';
import { packagePath } from '../../src/util/package-root.js';
import { verifyVariant } from '../../src/verify/index.js';
import { ModuleLines } from '../../src/verify/module-lines.js';
import { readSubjects } from '../../src/verify/read-subjects.js';
import { SAMPLES } from '../support/sample-specs.js';
import { transpile, type Transpiled } from '../support/transpile.js';
import { bindingsOf, variantOf } from '../support/variants.js';

let folder: string;
let builder: Builder;
let code: Transpiled;
let library: ReadonlyMap<string, KernelSpec>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rose-gen-verify-'));
  builder = openBuilder({ storeDir: join(folder, 'store'), jobs: 2 });
  code = await transpile(['util', 'device', 'spec', 'store', 'sim', 'verify']);
  library = await loadSpecs(packagePath('specs'));
}, 300_000);

afterAll(async () => {
  await builder[Symbol.asyncDispose]();
  await code.remove();
  await rm(folder, { recursive: true, force: true });
});

const SIZES = {
  hidden: 512,
  inter: 384,
  cols: 1000,
  half: 16,
  q_heads: 3,
  k_heads: 1,
  page: 4,
  experts: 128,
  top_k: 8,
  k: 16,
};

async function built(
  name: string,
  specs: ReadonlyMap<string, KernelSpec>,
  variants: readonly PlannedVariant[],
): Promise<string> {
  const dir = join(folder, name);
  const { rejected } = await builder.build({ variants, specs, outDir: dir });
  expect(rejected).toEqual([]);
  return dir;
}

/** How many variants pass, and what is wrong with the others: in a process of its own, with two threads. */
async function verified(
  dir: string,
  specs = packagePath('specs'),
): Promise<{ readonly passed: number; readonly wrong: readonly string[] }> {
  const url = (path: string): string => JSON.stringify(pathToFileURL(join(code.root, path)).href);
  const script = `
    import { formatVerdict, verifyBuild } from ${url('src/verify/index.js')};
    import { loadSpecs } from ${url('src/spec/index.js')};
    const specs = await loadSpecs(${JSON.stringify(specs)});
    const { results } = await verifyBuild({ dir: ${JSON.stringify(dir)}, specs, workers: 2 });
    const wrong = results.flatMap(({ verdict, error }) =>
      error ? [error.format()] : verdict.passed ? [] : [formatVerdict(verdict)]);
    console.log(JSON.stringify({ passed: results.length - wrong.length, wrong }));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return JSON.parse(output) as { passed: number; wrong: string[] };
}

test('every kernel of the library, on both architectures and in both phases, does what its formula says', async () => {
  // Each on two of the four targets, its neighbour on the other two.
  const variants = [...library.values()].flatMap((spec, i) =>
    (['prefill', 'decode'] as const).map((phase, j) =>
      variantOf(spec, bindingsOf(spec, SIZES)[0]!, (i + j) % 2 === 0 ? 'sm90' : 'sm100', phase),
    ),
  );
  const dir = await built('library', library, variants);
  expect(await verified(dir)).toEqual({ passed: variants.length, wrong: [] });
}, 300_000);

test('so do kernels that the library does not have: ranges, scatters, strides, lengths known at launch', async () => {
  const sources = join(folder, 'specs');
  await mkdir(sources);
  for (const [name, source] of Object.entries(SAMPLES))
    await writeFile(join(sources, `${name}.yaml`), source);
  const samples = await loadSpecs(sources);
  const variants = [...samples.values()].flatMap((spec) =>
    ['sm90', 'sm100'].map((arch) =>
      variantOf(spec, bindingsOf(spec, { ...SIZES, cols: 100, hidden: 100 })[0]!, arch),
    ),
  );
  const dir = await built('samples', samples, variants);
  expect(await verified(dir, sources)).toEqual({ passed: variants.length, wrong: [] });
}, 300_000);

test('rows shared by the threads of a CTA, and by the CTAs of a cluster', async () => {
  const spec = library.get('rms_norm')!;
  const variants = [16384, 65536].map((hidden) => variantOf(spec, bindingsOf(spec, { hidden })[0]!));
  const dir = await built('long', library, variants);
  expect(await verified(dir)).toEqual({ passed: 2, wrong: [] });
}, 300_000);

test('a fault names the line of the rendered module', async () => {
  const spec = library.get('rms_norm')!;
  const dir = await built('lines', library, [
    variantOf(spec, bindingsOf(spec, { hidden: 128 })[0]!, 'sm90', 'decode'),
  ]);
  const [subject] = await readSubjects({ dir });
  const broken = { ...subject!, ptx: subject!.ptx.replace(/setp\.ge\.s32/g, 'setp.gt.s32') };
  await using lines = new ModuleLines(dir);
  const { cases } = await lines.complete(broken, verifyVariant(broken));
  const reports = cases.flatMap(({ failures }) =>
    failures.flatMap((failure) => (failure.kind === 'fault' ? [failure.report] : [])),
  );
  const { path } = subject!.variant.files.module;
  const text = (await readFile(join(dir, path), 'utf8')).split('\n');
  expect(reports.length).toBeGreaterThan(0);
  for (const { ptx, moduleFile, moduleLine } of reports) {
    expect(moduleFile).toBe(path);
    expect([ptx, text[moduleLine! - 1]]).toEqual(
      ptx!.includes('ld.global')
        ? [expect.anything(), expect.stringContaining('.load()')]
        : [expect.stringContaining('st.global'), expect.stringContaining('.store(')],
    );
  }
}, 60_000);

describe('a kernel that is broken is caught:', () => {
  test.each<readonly [string, number, RegExp, string, string]>([
    ['no barrier', 1024, /bar\.sync[^;]*;/, '', 'shared-hazard'],
    ['no wait for the kernel before', 1024, /griddepcontrol\.wait;/, '', 'read-before-dependency'],
    ['a bound that is one too wide', 128, /setp\.ge\.s32/g, 'setp.gt.s32', 'out-of-bounds'],
    ['one step of a sum twice', 1024, /, 16, 31, -1;/, ', 8, 31, -1;', 'value'],
    ['another constant', 1024, /0f3A800000/, '0f3A000000', 'value'],
    ['another function', 1024, /rsqrt\.approx(\.ftz)?\.f32/, 'sqrt.approx.f32', 'value'],
  ])(
    '%s',
    async (_name, hidden, piece, by, kind) => {
      const spec = library.get('rms_norm')!;
      const variant = variantOf(spec, bindingsOf(spec, { hidden })[0]!, 'sm90', 'decode');
      const [subject] = await readSubjects({ dir: await built('broken', library, [variant]) });
      const ptx = subject!.ptx.replace(piece, by);
      expect(ptx === subject!.ptx).toBe(false);
      const { passed, cases } = verifyVariant({ ...subject!, ptx });
      const kinds = cases.flatMap(({ failures }) =>
        failures.map((failure) => (failure.kind === 'fault' ? failure.report.kind : failure.kind)),
      );
      expect(kinds).toContain(kind);
      expect(passed).toBe(false);
    },
    60_000,
  );
});
