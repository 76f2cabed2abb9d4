import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { expr } from '../../../src/device/launch-expr.js';
import { parseManifest, readManifest } from '../../../src/device/manifest-read.js';
import { serializeManifest, type Manifest, type VariantEntry } from '../../../src/device/manifest.js';
import { RoseError } from '../../../src/util/errors.js';
import { sampleManifest, sampleVariant } from '../../support/sample-manifest.js';

const parse = (manifest: unknown): Promise<Manifest> =>
  parseManifest(JSON.stringify(manifest), 'manifest.json');
const invalid = (fields: object): unknown => expect.objectContaining({ code: 'MANIFEST_INVALID', ...fields });

describe('serializeManifest', () => {
  const b = sampleVariant({ id: 'b' });
  const a = sampleVariant({ id: 'a' });

  test('gives the same bytes whatever the order of variants and fields', () => {
    const reversed = Object.fromEntries(
      Object.entries(sampleManifest([b, a])).reverse(),
    ) as unknown as Manifest;
    expect(serializeManifest(reversed)).toBe(serializeManifest(sampleManifest([a, b])));
    expect(serializeManifest(sampleManifest([b, a]))).toMatch(/^\{\n {2}"archs": \[\n {4}"sm90"\n {2}\],/);
  });

  test('is read back as it was', async () => {
    const manifest = sampleManifest([a, b]);
    await expect(parseManifest(serializeManifest(manifest), 'manifest.json')).resolves.toEqual(manifest);
  });
});

describe('parseManifest', () => {
  test('refuses another version, and says what to do', async () => {
    await expect(parse({ ...sampleManifest(), schema: 2 })).rejects.toEqual(
      invalid({ actual: 'schema 2', next: expect.stringContaining('update rose-gen') as unknown }),
    );
    await expect(parse({ ...sampleManifest(), schema: 0 })).rejects.toEqual(
      invalid({ next: expect.stringContaining('rose-gen build') as unknown }),
    );
    await expect(parse([])).rejects.toEqual(invalid({ actual: 'no schema version' }));
    await expect(parse(null)).rejects.toEqual(invalid({ actual: 'no schema version' }));
  });

  test('refuses text that was cut off', async () => {
    const text = serializeManifest(sampleManifest());
    await expect(parseManifest(text.slice(0, text.length / 2), 'm.json')).rejects.toEqual(
      invalid({ place: { file: 'm.json' } }),
    );
  });

  test('names the field that is wrong', async () => {
    const variant = { ...sampleVariant(), phase: 7 };
    await expect(parse(sampleManifest([variant as unknown as VariantEntry]))).rejects.toEqual(
      invalid({ actual: expect.stringContaining('/variants/0/phase') as unknown }),
    );
  });

  test.each(['../../etc/passwd', '/etc/passwd', 'a/../b', './a', 'a//b', 'C:\\a', 'a b', '', 'a/..'])(
    'refuses the path %p',
    async (path) => {
      const { files } = sampleVariant();
      const variant = sampleVariant({ files: { ...files, cubin: { ...files.cubin, path } } });
      await expect(parse(sampleManifest([variant]))).rejects.toEqual(invalid({}));
    },
  );

  const params = sampleVariant().params;
  const launch = sampleVariant().launch;
  test.each<[string, Partial<VariantEntry>]>([
    [
      'a grid over a dimension that is not there',
      { launch: { ...launch, grid: [expr.dim('rows'), expr.const(1), expr.const(1)] } },
    ],
    ['a block of too many threads', { launch: { ...launch, block: [1024, 2, 1] } }],
    ['parameters that overlap', { params: [params[0]!, { ...params[1]!, offset: 4 }] }],
    [
      'a parameter of a tensor that is not there',
      { params: [{ ...params[0]!, source: { kind: 'tensor', tensor: 'y' } }] },
    ],
    [
      'a stride of an axis that is not there',
      { params: [{ ...params[2]!, source: { kind: 'stride', tensor: 'x', axis: 2 } }] },
    ],
    ['a guard of another architecture', { guards: [{ kind: 'arch', arch: 'sm80' }] }],
    [
      'a guard on a dimension that is not there',
      { guards: [{ kind: 'dimMultiple', dim: 'rows', value: 2 }] },
    ],
    ['an architecture nobody knows', { arch: 'sm95', guards: [] }],
    [
      'strides that do not fit the shape',
      { tensors: [{ ...sampleVariant().tensors[0]!, strides: [] }], params: [], guards: [] },
    ],
  ])('refuses %s', async (_, change) => {
    await expect(parse(sampleManifest([sampleVariant(change)]))).rejects.toEqual(
      invalid({ message: expect.stringContaining('contradicts itself') as unknown }),
    );
  });

  test('refuses an id given twice and an architecture that archs leaves out', async () => {
    await expect(parse(sampleManifest([sampleVariant(), sampleVariant()]))).rejects.toEqual(invalid({}));
    await expect(parse({ ...sampleManifest(), archs: ['sm100'] })).rejects.toEqual(invalid({}));
  });

  test('a changed value anywhere is read as a manifest or refused with a RoseError', async () => {
    const manifest = sampleManifest();
    const paths = leafPaths(manifest);
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.oneof(fc.jsonValue(), fc.constant(undefined)),
        async (path, value) => {
          try {
            await parse(replace(manifest, path, value));
          } catch (error) {
            expect(error).toBeInstanceOf(RoseError);
            refused += 1;
          }
        },
      ),
      { numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(500);
  });
});

test('readManifest says where there is none', async () => {
  await expect(readManifest('nowhere/manifest.json')).rejects.toEqual(
    invalid({ actual: 'no such file', next: expect.stringContaining('rose-gen build') as unknown }),
  );
});

type Path = readonly (string | number)[];

function leafPaths(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, field]) => leafPaths(field, [...path, key]))];
}

function replace(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value))
    return value.map((item, i) => (i === Number(key) ? replace(item, rest, by) : (item as unknown)));
  const fields = value as Record<string, unknown>;
  return { ...fields, [key]: replace(fields[key], rest, by) };
}
