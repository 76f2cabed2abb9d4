import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { serializeManifest } from '../../../src/device/index.js';
import { defineKernel, parseSpec } from '../../../src/spec/index.js';
import { LocalStore } from '../../../src/store/index.js';
import { RoseError } from '../../../src/util/errors.js';
import {
  junitXml,
  verifyBuild,
  VerifyPool,
  type Subject,
  type VerifyBuildRequest,
  type VerifyResult,
} from '../../../src/verify/index.js';
import { broken, keepPositive, manifestOf, specs, twice, twiceApart, withPtx } from './subjects.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rose-gen-verify-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A folder as a build writes it. */
async function written(...subjects: readonly Subject[]): Promise<string> {
  for (const { variant, ptx } of subjects) {
    const path = join(dir, variant.files.ptx.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, ptx);
  }
  await writeFile(join(dir, 'manifest.json'), serializeManifest(manifestOf(subjects)));
  return dir;
}

const verify = (more: Partial<VerifyBuildRequest> = {}): Promise<VerifyResult> =>
  verifyBuild({ dir, specs, workers: 0, ...more });

async function refused(work: Promise<unknown>): Promise<RoseError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RoseError) return error;
  throw error ?? new Error('nothing was refused');
}

const store = (): LocalStore => new LocalStore(join(dir, 'store'));
const entries = async (): Promise<number> => {
  const files = await readdir(join(dir, 'store'), { recursive: true, withFileTypes: true }).catch(() => []);
  return files.filter((file) => file.isFile()).length;
};

const wrong = broken(keepPositive, 'setp.leu.f32', 'setp.lt.f32');
const endless = broken(twiceApart, '$L__DONE:\n', '$L__DONE:\n\tbra 	$L__DONE;\n');

describe('the folder of a build', () => {
  test('gives a verdict for each variant, in the order of its manifest, with progress', async () => {
    await written(wrong, twice, twiceApart);
    const seen: string[] = [];
    const result = await verify({
      onProgress: ({ result: { variant }, done, total }) => seen.push(`${done}/${total} ${variant.kernel}`),
    });
    expect(result.passed).toBe(false);
    expect(result.ran).toBe(3);
    expect(result.results.map(({ variant, verdict }) => [variant.kernel, verdict?.passed])).toEqual([
      ['keep_positive', false],
      ['twice', true],
      ['twice_apart', true],
    ]);
    expect(seen).toEqual(['1/3 keep_positive', '2/3 twice', '3/3 twice_apart']);
  });

  test('a choice of variants', async () => {
    await written(wrong, twice);
    const result = await verify({ select: ({ kernel }) => kernel === 'twice' });
    expect(result).toMatchObject({ passed: true, ran: 1 });
    const error = await refused(verify({ select: () => false }));
    expect(error).toMatchObject({ code: 'VARIANT_UNKNOWN', actual: 'none of 2 variants is selected' });
  });

  test('a kernel that cannot be run is an error of its own; the others go on, and nothing of it is recorded', async () => {
    await written(endless, twice);
    const result = await verify({ record: store(), limits: { steps: 1000 } });
    expect(result.passed).toBe(false);
    const [passed, failed] = result.results;
    expect(passed?.verdict?.passed).toBe(true);
    expect(failed?.verdict).toBeUndefined();
    expect(failed?.error).toMatchObject({ code: 'SIM_LIMIT' });
    expect(await entries()).toBe(1);
  });

  test('is cancelled between two variants', async () => {
    await written(keepPositive, twice, twiceApart);
    const controller = new AbortController();
    let seen = 0;
    const onProgress = (): void => {
      seen++;
      controller.abort();
    };
    const error = await refused(verify({ signal: controller.signal, onProgress }));
    expect(error.code).toBe('CANCELLED');
    expect(seen).toBe(1);
  });

  test('a pool that is given stays open', async () => {
    await written(twice);
    await using pool = new VerifyPool({ workers: 0 });
    expect((await verify({ pool })).passed).toBe(true);
    expect((await verify({ pool })).passed).toBe(true);
  });
});

describe('verdicts on record', () => {
  test('an unchanged variant is not run again, whether it passed or not', async () => {
    await written(wrong, twice);
    const first = await verify({ record: store() });
    const second = await verify({ record: store() });
    expect([first.ran, second.ran]).toEqual([2, 0]);
    expect(second.results.map(({ from }) => from)).toEqual(['record', 'record']);
    expect(second.results.map(({ verdict }) => verdict)).toEqual(first.results.map(({ verdict }) => verdict));
  });

  test('other PTX, another formula and other options are run', async () => {
    await written(twice);
    await verify({ record: store() });
    await written(withPtx(twice, `${twice.ptx}\n// a comment\n`));
    expect((await verify({ record: store() })).ran).toBe(1);
    expect((await verify({ record: store(), checks: 'none' })).ran).toBe(1);
    const other = parseSpec(specs.get('twice')!.origin.text.replace('* 2.0', '+ f32(x)'), 'own.yaml');
    const changed = await verify({ record: store(), specs: new Map([['twice', other]]) });
    expect(changed).toMatchObject({ ran: 1, passed: true });
    expect((await verify({ record: store() })).ran).toBe(0);
  });
});

describe('manifest, PTX and specs that do not belong together are refused:', () => {
  test('PTX that was edited', async () => {
    await written(twice);
    await writeFile(join(dir, twice.variant.files.ptx.path), `${twice.ptx}\n`);
    const error = await refused(verify());
    expect(error.code).toBe('MANIFEST_INVALID');
    expect(error.expected).toContain(twice.variant.files.ptx.sha256);
  });

  test('PTX that is missing', async () => {
    await written(twice);
    await rm(join(dir, twice.variant.files.ptx.path));
    expect(await refused(verify())).toMatchObject({ code: 'MANIFEST_INVALID', actual: 'no such file' });
  });

  test('no manifest', async () => {
    expect((await refused(verify())).code).toBe('MANIFEST_INVALID');
  });

  test('PTX of another kernel', async () => {
    await written(broken(twice, 'twice_0(', 'thrice_0('));
    expect((await refused(verify())).code).toBe('MANIFEST_INVALID');
  });

  test('a spec that was changed since', async () => {
    await written(twice);
    const text = specs.get('twice')!.origin.text;
    const half = parseSpec(
      text.replaceAll('dtype: f32', 'dtype: f16').replace('f32(x) * 2.0', 'x'),
      'own.yaml',
    );
    const error = await refused(verify({ specs: new Map([['twice', half]]) }));
    expect(error).toMatchObject({
      code: 'MANIFEST_INVALID',
      actual: 'in x f32, out out f32',
      expected: 'in x f16, out out f16',
    });
    const open = parseSpec(text.replace('cols: 4', 'cols: rows * 2, rows: static'), 'own.yaml');
    expect((await refused(verify({ specs: new Map([['twice', open]]) }))).code).toBe('MANIFEST_INVALID');
  });

  test('no spec of that name', async () => {
    await written(twice);
    const error = await refused(verify({ specs: new Map([['twice_apart', specs.get('twice_apart')!]]) }));
    expect(error).toMatchObject({ code: 'VARIANT_UNKNOWN', actual: twice.variant.id });
  });
});

describe('JUnit XML', () => {
  test('a suite a kernel, a test case a variant, failures and errors with their text', async () => {
    await written(wrong, twice, endless);
    const { results } = await verify({ limits: { steps: 1000 } });
    const xml = junitXml(results).replace(/time="\d+\.\d{3}"/g, 'time="T"');
    expect(xml).toContain('<testsuites name="rose-gen verify" tests="3" failures="1" errors="1" time="T">');
    expect(xml).toContain('<testsuite name="keep_positive" tests="1" failures="1" errors="0" time="T">');
    expect(xml).toContain('<testcase classname="twice" name="twice.cols4.sm90.prefill" time="T"/>');
    expect(xml).toMatch(/<failure type="overwritten" message="[^"]*out\[\d+, \d\] is written[^"]*">/);
    expect(xml).toMatch(/<error type="SIM_LIMIT" message="[^"]+">[^<]+<\/error>/);
    expect(xml.split('<testcase')).toHaveLength(4);
  });

  test('markup, quotes and characters that XML lacks', () => {
    const error = new RoseError({ code: 'PTX_SYNTAX', message: '<a & "b">\u0000\u{1f600}', next: "it's" });
    const xml = junitXml([{ variant: twice.variant, from: 'run', key: '', seconds: 0.5, error }]);
    expect(xml).toContain('message="&lt;a &amp; &quot;b&quot;&gt;\ufffd\u{1f600}"');
    expect(xml).toContain('it&apos;s');
    expect(xml).toContain('time="0.500"');
  });
});

test('a kernel of TypeScript is verified as one of YAML is', async () => {
  const spec = defineKernel({
    kernel: 'twice',
    doc: 'Doubles every element.',
    dims: { tokens: 'dynamic', cols: 4 },
    tensors: {
      x: { shape: ['tokens', 'cols'], dtype: 'f32' },
      out: { shape: ['tokens', 'cols'], dtype: 'f32', access: 'out' },
    },
    formula: 'out = f32(x) * 2.0',
  });
  await written(twice);
  expect((await verify({ specs: new Map([['twice', spec]]) })).passed).toBe(true);
});
