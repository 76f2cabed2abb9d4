/** `rose-gen explain VARIANT`: how one variant came about, from spec to resources. */

import type { Command } from 'commander';
import type { PlannedVariant } from '../../plan/index.js';
import type { KernelSpec } from '../../spec/index.js';
import { RoseError, closest } from '../../util/errors.js';
import { print, printJson } from '../output.js';
import { addSelection, select, type SelectionOptions } from '../selection.js';

const PARTS = ['spec', 'schedule', 'ir', 'module', 'ptx', 'resources'] as const;
type Part = (typeof PARTS)[number];

interface ExplainOptions extends SelectionOptions {
  readonly only?: string;
  readonly pass?: string;
  readonly json?: boolean;
}

export function registerExplain(program: Command): void {
  addSelection(
    program
      .command('explain')
      .argument('<variant>', 'id of a variant, as `plan` lists it')
      .description('show spec, schedule, IR after each pass, module, PTX and resources of a variant'),
  )
    .option('--only <part>', `one of ${PARTS.join(', ')}`)
    .option('--pass <name>', 'the IR after this pass alone')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  rose-gen explain rms_norm.hidden4096.bf16.sm90.decode --model qwen3-8b --only ir',
    )
    .action(async (id: string, options: ExplainOptions) => {
      const parts = chooseParts(options);
      const { variants, specs } = await select(options);
      const variant = variants.find((each) => each.id === id);
      if (!variant) {
        const near = closest(
          id,
          variants.map((each) => each.id),
        );
        throw new RoseError({
          code: 'VARIANT_UNKNOWN',
          message: `the plan of ${options.model} has no variant ${id}`,
          actual: id,
          expected: `one of ${variants.length} variants`,
          next:
            near === undefined
              ? `run \`rose-gen plan --model ${options.model}\` for their names`
              : `did you mean ${near}?`,
        });
      }
      const { renderVariant } = await import('../../build/index.js');
      const spec = specs.get(variant.kernel)!;
      const rendered = renderVariant(variant, spec, { stages: true });
      const found: Partial<Record<Part, unknown>> = {};
      if (parts.includes('spec')) found.spec = spec.origin.text;
      if (parts.includes('schedule'))
        found.schedule = {
          ...rendered.kernel.schedule,
          sections: rendered.kernel.sections.map(({ name, schedule }) => ({ name, ...schedule })),
          reasons: rendered.kernel.schedule!.reasons,
        };
      if (parts.includes('ir')) found.ir = choosePass(rendered.stages, options.pass);
      if (parts.includes('module')) found.module = rendered.module.text;
      if (parts.includes('ptx') || parts.includes('resources'))
        Object.assign(found, await compiled(variant, specs, parts));
      if (options.json) printJson({ id, ...found });
      else
        print(
          PARTS.filter((part) => found[part] !== undefined)
            .map((part) => format(part, found[part], parts.length > 1))
            .join('\n'),
        );
    });
}

function chooseParts(options: ExplainOptions): readonly Part[] {
  if (options.pass !== undefined) return ['ir'];
  if (options.only === undefined) return PARTS;
  const part = PARTS.find((each) => each === options.only);
  if (part) return [part];
  throw new RoseError({
    code: 'USAGE',
    message: `there is no part ${options.only}`,
    actual: options.only,
    expected: PARTS.join(', '),
    next: 'name one of these',
  });
}

function choosePass(
  stages: readonly { readonly pass: string; readonly text: string }[],
  pass: string | undefined,
): readonly { readonly pass: string; readonly text: string }[] {
  if (pass === undefined) return stages;
  const found = stages.filter((stage) => stage.pass === pass);
  if (found.length > 0) return found;
  const names = stages.map((stage) => stage.pass);
  throw new RoseError({
    code: 'USAGE',
    message: `there is no pass ${pass}`,
    actual: pass,
    expected: names.join(', '),
    next: 'name one of these',
  });
}

/** PTX and resources need the toolchain: the variant is built, or found in the store. */
async function compiled(
  variant: PlannedVariant,
  specs: ReadonlyMap<string, KernelSpec>,
  parts: readonly Part[],
): Promise<Partial<Record<Part, unknown>>> {
  const { ptx, entry } = await buildOne(variant, specs);
  return {
    ...(parts.includes('ptx') && { ptx }),
    ...(parts.includes('resources') && {
      resources: { ...entry.resources, launch: entry.launch, params: entry.params },
    }),
  };
}

async function buildOne(variant: PlannedVariant, specs: ReadonlyMap<string, KernelSpec>) {
  const [{ build }, { mkdtemp, readFile, rm }, { tmpdir }, { join }] = await Promise.all([
    import('../../build/index.js'),
    import('node:fs/promises'),
    import('node:os'),
    import('node:path'),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'rose-gen-explain-'));
  try {
    const { manifest } = await build({ variants: [variant], specs, outDir: folder, jobs: 1 });
    const entry = manifest.variants[0]!;
    return { entry, ptx: await readFile(join(folder, entry.files.ptx.path), 'utf8') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function format(part: Part, value: unknown, titled: boolean): string {
  const text =
    part === 'ir'
      ? (value as readonly { pass: string; text: string }[])
          .map((stage) => `-- after ${stage.pass}\n${stage.text}`)
          .join('\n')
      : typeof value === 'string'
        ? value
        : JSON.stringify(value, null, 2);
  return titled ? `==== ${part} ====\n${text}` : text;
}
