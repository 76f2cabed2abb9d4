/** Typed sections -> nothing, or the error that an output is not written whole, once. */

import { entryDims } from '../shapes.js';
import type { TensorDecl } from '../types.js';
import type { CheckedSection } from './checked-section.js';
import { typeError } from './errors.js';
import { dependsOnLaunch } from '../walk.js';
import type { Write } from './writes.js';

/**
 * Every tensor that is no input is written by one statement of each section that holds a part of it, or by several at
 * indices that tensors or params decide, of which a later one counts. An `out` tensor is
 * written whole, unless a tensor or a param decides where; of an `inout` tensor, what is not written keeps its value.
 * Raises FORMULA_TYPE.
 */
export function checkCoverage(sections: readonly CheckedSection[]): void {
  const { scope } = sections[0]!;
  const { cut } = scope;
  for (const decl of scope.spec.tensors) {
    if (decl.access === 'in' || !scope.exists(decl)) continue;
    const inParts = cut !== undefined && decl.shape.flatMap(entryDims).includes(cut.dim);
    const written = sections.map((section) => ({ section, writes: section.writes(decl.name) }));
    const writers = written.filter(({ writes }) => writes.length > 0);
    const lacking = written.find(({ writes }) => writes.length === 0);
    if (writers.length === 0) throw neverWritten(decl, '', sections);
    if (inParts && lacking && decl.access === 'out') {
      throw neverWritten(decl, ` in section ${lacking.section.name}`, sections);
    }
    const twice = writers.find(
      ({ section, writes }) => writes.length > 1 && !writes.every((write) => isScatter(section, write)),
    )?.writes[1];
    if (twice) {
      throw typeError(
        `${decl.name} is written twice`,
        'two statements',
        'one',
        'combine them with select()',
        twice.span,
      );
    }
    if (!inParts && writers.length > 1) {
      throw typeError(
        `${decl.name} is written in two sections`,
        writers.map(({ section }) => section.name).join(', '),
        `one section, as ${decl.name} does not have the dimension that is cut`,
        'write it in one of them',
        writers[1]!.writes[0]!.span,
      );
    }
    if (decl.access === 'out') {
      for (const { section, writes } of writers) requireWhole(section, decl, writes[0]!);
    }
  }
}

function neverWritten(decl: TensorDecl, where: string, sections: readonly CheckedSection[]): Error {
  const flags = Object.entries(sections[0]!.scope.choice.flags).map(([name, value]) => `${name} ${value}`);
  return typeError(
    `${decl.name} is never written${where}`,
    `access: ${decl.access}${flags.length === 0 ? '' : `, with ${flags.join(', ')}`}`,
    'one statement that assigns it',
    `assign ${decl.name}, or remove it`,
    decl.span,
  );
}

/** An index that tensors or params decide makes a scatter, which covers what they say. */
const isScatter = ({ scope }: CheckedSection, { indices }: Write): boolean =>
  indices.some(({ index }) => dependsOnLaunch(index, scope.launchLocals));

function requireWhole(section: CheckedSection, decl: TensorDecl, write: Write): void {
  if (isScatter(section, write)) return;
  const { indices, span } = write;
  const [constant] = indices;
  if (constant) {
    throw typeError(
      `${decl.name} is written in part`,
      `one position of ${constant.dim}`,
      `every position of ${constant.dim}`,
      `write the whole with select(index(${constant.dim}) == 0, ..., ...), or declare ${decl.name} with access: inout`,
      span,
    );
  }
  const extended = decl.shape.find((entry) => entry.kind === 'extended');
  if (extended) {
    throw typeError(
      `${decl.name} is written in part`,
      `the positions of ${extended.dim}, of ${extended.dim}+${extended.extra}`,
      'every element',
      `give the output a dimension of its own, or declare it with access: inout`,
      span,
    );
  }
}
