import { describe, expect, test } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { renderVariant } from '../../../src/build/index.js';
import { bindKernel, parseSpec, type KernelSpec } from '../../../src/spec/index.js';
import { RoseError } from '../../../src/util/errors.js';
import { packagePath } from '../../../src/util/package-root.js';
import { generator, MARKER, mutate } from '../../support/mutate-spec.js';
import { LEGAL, REFUSED } from '../../support/probe-specs.js';
import { SAMPLES } from '../../support/sample-specs.js';
import { bindingsOf, variantOf } from '../../support/variants.js';

const MUTANTS = 12_000;

/** The Python of a module without its comments: nothing of a spec's text may be in it. */
const code = (module: string): string => module.replace(/#.*$/gm, '');

/** The library, kernels of other kinds, and the edges of the language, legal or not. */
const texts: readonly string[] = [
  ...readdirSync(packagePath('specs')).map((file) => readFileSync(join(packagePath('specs'), file), 'utf8')),
  ...Object.values(SAMPLES),
  ...Object.values(LEGAL),
  ...REFUSED.map(([, text]) => text),
];

describe('untrusted specs', () => {
  test(`${MUTANTS} mutants: every rejection is a RoseError, what is accepted binds or is refused, and no text of a spec reaches a module as code`, () => {
    const random = generator(20_260_101);
    let accepted = 0;
    let rejected = 0;
    let rendered = 0;
    for (let i = 0; i < MUTANTS; i++) {
      let text = texts[i % texts.length]!;
      for (let n = 1 + Math.floor(random() * 2); n > 0; n--) text = mutate(text, random);
      let spec: KernelSpec;
      try {
        spec = parseSpec(text, 'mutant.yaml');
      } catch (error) {
        if (!(error instanceof RoseError))
          throw new Error(`mutant ${i}: ${String(error)}\n${text}`, { cause: error });
        rejected++;
        continue;
      }
      accepted++;
      try {
        for (const binding of bindingsOf(spec)) bindKernel(spec, binding);
        if (accepted % 8 !== 0) continue;
        const { module } = renderVariant(variantOf(spec, bindingsOf(spec)[0]!), spec);
        rendered++;
        expect(code(module.text)).not.toContain(MARKER);
        // Comments are one line each and hold nothing that ends a line.
        expect(module.text).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
      } catch (error) {
        if (!(error instanceof RoseError))
          throw new Error(`mutant ${i}: ${String(error)}\n${text}`, { cause: error });
        if (error.code === 'IR_INVALID')
          throw new Error(`mutant ${i}: ${error.format()}\n${text}`, { cause: error });
        expect(error.code).toMatch(/^(SPEC|FORMULA)_|^SCHEDULE_ILLEGAL$|^TARGET_UNSUPPORTED$/);
      }
    }
    expect(rejected).toBeGreaterThan(MUTANTS / 4);
    expect(accepted).toBeGreaterThan(MUTANTS / 20);
    expect(rendered).toBeGreaterThan(100);
  }, 300_000);
});
