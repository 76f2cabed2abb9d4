/**
 * A kernel in tile form -> the CuTeDSL module of its variant.
 *
 * The template frames the file; statements are printed node by node. The text is a function of its inputs alone.
 */

import { readFileSync } from 'node:fs';
import Handlebars from 'handlebars';
import { clusterSize, type IrScalar, type IrTensor, type Kernel, type Target } from '../ir/kernel.js';
import { tileCount } from '../passes/lower-sweeps.js';
import { arith, i32, type TileExpr } from '../ir/tile.js';
import type { Place } from '../util/errors.js';
import { packagePath } from '../util/package-root.js';
import { BodyPrinter } from './python-body.js';
import { ExprPrinter } from './python-expr.js';
import { helperSource } from './helpers.js';
import { Imports } from './imports.js';

export interface ModuleHeader {
  readonly variant: string;
  readonly specKey: string;
  readonly versions: string;
  readonly doc: string;
  readonly source?: string;
}

export interface RenderedModule {
  readonly text: string;
  /** Name of the kernel's symbol in PTX and cubin. */
  readonly entry: string;
  /** Place in the spec of each line, where it has one; index 0 is line 1. */
  readonly places: readonly (Place | undefined)[];
}

let template: Handlebars.TemplateDelegate | undefined;

export function renderModule(kernel: Kernel, target: Target, header: ModuleHeader): RenderedModule {
  template ??= Handlebars.compile(readFileSync(packagePath('templates/module.py.hbs'), 'utf8'), {
    noEscape: true,
    strict: true,
  });
  const imports = new Imports();
  const exprs = new ExprPrinter(imports);
  const lines = kernel.sections.flatMap((section) => new BodyPrinter(imports).print(section.body!, 1));
  const parameters = [
    ...kernel.tensors.map((tensor) => tensorParameter(tensor)),
    ...kernel.scalars.map((scalar) => scalarParameter(scalar, imports)),
  ];
  const shared = sharedLines(kernel, imports);
  const grid = exprs.print(gridExpr(kernel));
  const helpers = imports.usedHelpers.map((helper) => helperSource(helper, imports));
  const samples = [
    ...kernel.tensors.map((tensor) => `pointer(${imports.type(tensor.dtype)}, ${tensor.align})`),
    ...kernel.scalars.map((scalar) => `${imports.type(scalar.dtype)}(1)`),
  ];
  const schedule = kernel.schedule!;
  const text = template({
    header: headerLines(kernel, target, header),
    symbols: imports.sortedSymbols.join(', '),
    helpers,
    parameters,
    shared,
    body: '\u0000',
    entry: kernel.name,
    launchParameters: parameters.map((parameter) => `${parameter.name}: ${parameter.type}`).join(', '),
    arguments: parameters.map((parameter) => parameter.name).join(', '),
    grid,
    threads: schedule.threads,
    cluster: clusterSize(schedule) > 1 ? clusterSize(schedule) : false,
    minBlocks: schedule.minBlocks ?? false,
    // For several CTAs an SM the DSL asks a driver how much of it is shared memory, unless it is told.
    carveout: (schedule.minBlocks ?? 0) > 1 && 100,
    dependentLaunch: target.dependentLaunch,
    samples,
  });
  const [before, after] = text.split('\u0000') as [string, string];
  const first = before.split('\n').length - 1;
  const places: (Place | undefined)[] = [
    ...Array.from({ length: first }, () => undefined),
    ...lines.map((line) => line.place),
  ];
  return {
    text: `${before}${lines.map((line) => line.text).join('\n')}${after}`,
    entry: `${kernel.name}_0`,
    places,
  };
}

/** CTAs of a launch over the kernel's own scalar arguments; a persistent grid is capped by the launch rule. */
export function gridExpr(kernel: Kernel): TileExpr {
  return kernel.sections
    .map((section) => tileCount(kernel, section))
    .reduce((sum, count) => arith('+', sum, count), i32(0));
}

function tensorParameter(tensor: IrTensor): { name: string; type: string; comment: string } {
  const access = { in: '', out: ', written', inout: ', updated in place' }[tensor.access];
  return {
    name: `${tensor.name}_ptr`,
    type: 'cute.Pointer',
    comment: `(${tensor.shape.join(', ')}) ${tensor.dtype}${access}`,
  };
}

function scalarParameter(
  scalar: IrScalar,
  imports: Imports,
): { name: string; type: string; comment: string } {
  const { source } = scalar;
  const multiple = scalar.multipleOf > 1 ? `, a multiple of ${scalar.multipleOf}` : '';
  const comment =
    source.kind === 'stride'
      ? `elements from one index of mode ${source.entry} of ${source.tensor} to the next${multiple}`
      : source.kind === 'dim'
        ? 'extent'
        : '';
  return { name: scalar.name, type: imports.type(scalar.dtype), comment };
}

function sharedLines(kernel: Kernel, imports: Imports): readonly string[] {
  if (kernel.shared.length === 0) return [];
  const regions = kernel.shared.map(
    (region) =>
      `${region.name} = shared.allocate_tensor(${imports.type(region.dtype)}, cute.make_layout(${region.elements}), byte_alignment=${region.align})`,
  );
  return ['shared = cutlass.memory.SmemAllocator()', ...regions];
}

function headerLines(kernel: Kernel, target: Target, header: ModuleHeader): readonly string[] {
  const schedule = kernel.schedule!;
  return [
    `${header.variant}: rendered by rose-gen, do not edit`,
    '',
    ...wrap(header.doc),
    ...(header.source === undefined ? [] : wrap(`Source: ${header.source}`)),
    '',
    `target: ${target.arch}, ${target.phase}${target.dependentLaunch ? ', dependent launch' : ''}`,
    `key: ${header.specKey}`,
    `made with: ${header.versions}`,
    ...schedule.reasons.map((reason) => `schedule: ${reason}`),
  ].map((line) => line.trimEnd());
}

/** Lines of at most 108 characters; what is not printable ASCII or Latin becomes a question mark. */
function wrap(text: string): readonly string[] {
  const words = text
    .replace(/[^\x20-\x7e\u00a0-\u024f\u0370-\u03ff\u2010-\u2027\u2030-\u205e\u2190-\u22ff]+/g, '?')
    .split(/ +/);
  const lines: string[] = [''];
  for (const word of words) {
    if (lines.at(-1)!.length + word.length > 107) lines.push('');
    lines[lines.length - 1] += (lines.at(-1) === '' ? '' : ' ') + word;
  }
  return lines;
}
