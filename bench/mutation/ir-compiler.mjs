// A mutant of the tile form -> PTX, through the printer and the toolchain's workers.

import { architecture } from '../../dist/device/arch.js';
import { renderModule } from '../../dist/emit/index.js';
import { CompilePool, ensureToolchain } from '../../dist/toolchain/index.js';
import { RoseError } from '../../dist/util/errors.js';

/** @returns a disposable with `compile(variant, kernel)`: the PTX, or undefined where the toolchain refuses it */
export async function openIrCompiler(workers) {
  const { python } = await ensureToolchain({});
  const pool = new CompilePool({ python, workers });
  return {
    async compile({ rendered: { variant, bound } }, kernel) {
      const target = { arch: variant.arch, phase: variant.phase, dependentLaunch: variant.pdl };
      const module = renderModule(kernel, target, {
        variant: variant.id,
        specKey: 'mutant',
        versions: 'mutant',
        doc: bound.spec.doc,
      });
      try {
        const job = { name: variant.id, source: module.text, arch: architecture(variant.arch).target };
        return (await pool.compile(job)).ptx;
      } catch (error) {
        if (error instanceof RoseError && error.code === 'COMPILE_FAILED') return undefined;
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
