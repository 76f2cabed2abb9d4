import { describe, expect, test } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { canonicalSpec, defineKernel, parseSpec, type KernelDefinition } from '../../../src/spec/index.js';
import { packagePath } from '../../../src/util/package-root.js';

const folder = packagePath('specs');
const files = readdirSync(folder);

describe('the kernel library', () => {
  test('has the kernels of the design', () => {
    expect(files.length).toBeGreaterThanOrEqual(19);
  });

  test.each(files)('%s: YAML and defineKernel() give the same frozen spec', (file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const spec = parseSpec(text, file);
    expect(`${spec.name}.yaml`).toBe(file);
    const defined = defineKernel(parse(text) as KernelDefinition);
    expect(canonicalSpec(defined)).toEqual(canonicalSpec(spec));
    expect(Object.isFrozen(spec)).toBe(true);
    expect(Object.isFrozen(spec.tensors[0]!.shape)).toBe(true);
  });
});
