/** Specs and bindings -> compiled for sm90 and sm100 in a folder of their own, and verified. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openBuilder, type Builder } from '../../src/build/index.js';
import type { PlannedVariant } from '../../src/plan/index.js';
import type { Binding, KernelSpec } from '../../src/spec/index.js';
import { formatVerdict, verifyBuild, type VerifyPool } from '../../src/verify/index.js';
import { transpile, type Transpiled } from './transpile.js';
import { variantOf } from './variants.js';

export class Prover {
  private constructor(
    readonly folder: string,
    readonly builder: Builder,
    private readonly code: Transpiled,
    private readonly pool: VerifyPool,
  ) {}

  static async open(): Promise<Prover> {
    const folder = await mkdtemp(join(tmpdir(), 'rose-gen-prover-'));
    const builder = openBuilder({ storeDir: join(folder, 'store'), jobs: 2 });
    // Threads of their own, outside of Jest's contexts, in which the simulator is several times slower.
    const code = await transpile(['util', 'device', 'spec', 'store', 'sim', 'verify']);
    const file = pathToFileURL(join(code.root, 'src/verify/pool.js')).href;
    const module = (await import(file)) as { readonly VerifyPool: typeof VerifyPool };
    return new Prover(folder, builder, code, new module.VerifyPool({ workers: 2 }));
  }

  async close(): Promise<void> {
    await this.pool[Symbol.asyncDispose]();
    await this.builder[Symbol.asyncDispose]();
    await this.code.remove();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Compiles each binding of each kernel for prefill, or the phases given; throws where one is rejected. */
  build(
    name: string,
    specs: ReadonlyMap<string, KernelSpec>,
    bindings: readonly Bound[],
    phases: readonly Phase[] = ['prefill'],
  ): Promise<string> {
    return this.buildVariants(name, specs, variantsOf(specs, bindings, phases));
  }

  /** What verification finds wrong, one text a variant that fails. */
  wrong(
    name: string,
    specs: ReadonlyMap<string, KernelSpec>,
    bindings: readonly Bound[],
    phases: readonly Phase[] = ['prefill'],
  ): Promise<readonly string[]> {
    return this.wrongVariants(name, specs, variantsOf(specs, bindings, phases));
  }

  /** As `build`, of variants that are chosen one by one. */
  async buildVariants(
    name: string,
    specs: ReadonlyMap<string, KernelSpec>,
    variants: readonly PlannedVariant[],
  ): Promise<string> {
    const dir = join(this.folder, name);
    const { rejected } = await this.builder.build({ variants, specs, outDir: dir });
    if (rejected.length > 0) throw new Error(`rejected: ${JSON.stringify(rejected)}`);
    return dir;
  }

  /** As `wrong`, of variants that are chosen one by one. */
  async wrongVariants(
    name: string,
    specs: ReadonlyMap<string, KernelSpec>,
    variants: readonly PlannedVariant[],
  ): Promise<readonly string[]> {
    const dir = await this.buildVariants(name, specs, variants);
    const { results } = await verifyBuild({ dir, specs, pool: this.pool });
    if (results.length !== variants.length) throw new Error('a variant was not verified');
    return results.flatMap(({ verdict, error }) =>
      error ? [error.format()] : verdict!.passed ? [] : [formatVerdict(verdict!)],
    );
  }
}

type Phase = 'prefill' | 'decode';
type Bound = readonly [kernel: string, binding: Binding];

const variantsOf = (
  specs: ReadonlyMap<string, KernelSpec>,
  bindings: readonly Bound[],
  phases: readonly Phase[],
): readonly PlannedVariant[] =>
  bindings.flatMap(([kernel, binding]) =>
    ['sm90', 'sm100'].flatMap((arch) =>
      phases.map((phase) => variantOf(specs.get(kernel)!, binding, arch, phase)),
    ),
  );
