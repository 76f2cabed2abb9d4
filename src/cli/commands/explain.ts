/** `rose-gen explain VARIANT`: how one variant came about, from spec to resources. */

import type { Command } from 'commander';
import type { RenderedVariant } from '../../build/index.js';
import { isMissing } from '../exit-codes.js';
import { withInterrupt } from '../interrupt.js';
import { addOutput, count, oneOf, type OutputOptions } from '../options.js';
import { note, print, printJson } from '../output.js';
import { addSelection, type SelectionOptions } from '../selection.js';

const PARTS = ['spec', 'schedule', 'ir', 'module', 'ptx', 'resources'] as const;
type Part = (typeof PARTS)[number];

interface ExplainOptions extends SelectionOptions, OutputOptions {
  readonly only?: string;
  readonly pass?: string;
  readonly profile?: boolean;
  readonly rows?: string;
}

const EXAMPLES = `
VARIANT is an id that \`plan\` lists. Without --model, the known models are searched for it.

Examples:
  rose-gen plan --model qwen3-8b --arch sm90
  rose-gen explain VARIANT --only schedule
  rose-gen explain VARIANT --pass lower-sweeps
  rose-gen explain VARIANT --profile --rows 64`;

export function registerExplain(program: Command): void {
  const command = addSelection(
    program
      .command('explain')
      .argument('<variant>', 'id of a variant, as `plan` lists it')
      .description('show spec, schedule, IR after each pass, module, PTX and resources of a variant'),
  )
    .option('--only <part>', `one of ${PARTS.join(', ')}`)
    .option('--pass <name>', 'the IR after this pass alone; `all` for all of them')
    .option('--profile', 'counts of one simulated launch alone: instructions, bytes, coalescing, conflicts')
    .option('--rows <n>', 'rows of that launch (default: 32)');
  addOutput(command)
    .addHelpText('after', EXAMPLES)
    .action((id: string, options: ExplainOptions) => withInterrupt((signal) => explain(id, options, signal)));
}

async function explain(id: string, options: ExplainOptions, signal: AbortSignal): Promise<void> {
  if (options.profile) return profile(id, options, signal);
  const parts = chooseParts(options);
  const { findVariant } = await import('../find-variant.js');
  const { variant, spec, specs } = await findVariant(id, options);
  const { renderVariant } = await import('../../build/index.js');
  const rendered = renderVariant(variant, spec, { stages: true });
  const ofRendering: Partial<Record<Part, unknown>> = {
    spec: spec.origin.text,
    schedule: scheduleOf(rendered),
    ir: choosePass(rendered.stages, options.pass),
    module: rendered.module.text,
  };
  const found: Partial<Record<Part, unknown>> = Object.fromEntries(
    Object.entries(ofRendering).filter(([part]) => parts.includes(part as Part)),
  );
  if (parts.includes('ptx') || parts.includes('resources')) {
    const { compileVariant } = await import('../compile-variant.js');
    try {
      const { ptx, resources } = await compileVariant(variant, specs, signal);
      if (parts.includes('ptx')) found.ptx = ptx;
      if (parts.includes('resources')) found.resources = resources;
    } catch (error) {
      // Whoever asked for everything gets what there is without a toolchain.
      if (options.only !== undefined || !isMissing(error)) throw error;
      note(`no PTX and no resources: ${error.message}; ${error.next}`);
    }
  }
  if (options.json) printJson({ id, ...found });
  else
    print(
      PARTS.flatMap((part) => (part in found ? [format(part, found[part], parts.length > 1)] : [])).join(
        '\n',
      ),
    );
}

async function profile(id: string, options: ExplainOptions, signal: AbortSignal): Promise<void> {
  const rows = count('--rows', options.rows) ?? 32;
  const { findVariant } = await import('../find-variant.js');
  const { variant, specs } = await findVariant(id, options);
  const { withCompiled } = await import('../compile-variant.js');
  const { profileVariant } = await import('../../verify/profile-variant.js');
  const { bindKernel } = await import('../../spec/index.js');
  const bound = bindKernel(specs.get(variant.kernel)!, variant.binding);
  const report = await withCompiled(variant, specs, signal, (entry, ptx) =>
    profileVariant({ bound, variant: entry, ptx }, rows),
  );
  if (options.json) {
    printJson({ id, ...report });
    return;
  }
  const { profileText } = await import('../profile-text.js');
  print(`${id}\n${profileText(report)}`);
}

function chooseParts(options: ExplainOptions): readonly Part[] {
  if (options.pass !== undefined) return ['ir'];
  return options.only === undefined ? PARTS : [oneOf('part', options.only, PARTS)];
}

function scheduleOf({ kernel }: RenderedVariant): unknown {
  return {
    ...kernel.schedule,
    sections: kernel.sections.map(({ name, schedule }) => ({ ...(name !== '' && { name }), ...schedule })),
  };
}

type Stages = RenderedVariant['stages'];

function choosePass(stages: Stages, pass: string | undefined): Stages {
  if (pass === undefined || pass === 'all') return stages;
  const chosen = oneOf(
    'pass',
    pass,
    stages.map((stage) => stage.pass),
  );
  return stages.filter((stage) => stage.pass === chosen);
}

function format(part: Part, value: unknown, titled: boolean): string {
  const text =
    part === 'ir'
      ? (value as Stages).map(({ pass, text: ir }) => `-- after ${pass}\n${ir}`).join('\n')
      : typeof value === 'string'
        ? value
        : JSON.stringify(value, null, 2);
  return titled ? `==== ${part} ====\n${text}` : text;
}
