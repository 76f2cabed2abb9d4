/**
 * Typed sections -> nothing, or the error that a tensor updated in place is read where another thread may have written.
 *
 * Threads and sections run in no order, so each element has to be read by those alone that wait for each other: the
 * threads of its row, before the row is written. A tensor that no statement reads may be written anywhere.
 */

import { entryDims } from '../shapes.js';
import type { BoundIndex, TensorDecl } from '../types.js';
import { affineOf, isIdentity } from '../affine.js';
import { missingAxis, showAxes } from './axes.js';
import type { CheckedSection } from './checked-section.js';
import { unsupported } from './errors.js';
import { otherThanOwn } from './own-element.js';
import { sectionReads, type Load } from './reads.js';
import type { Scope } from './scope.js';
import { writeDomain, type Write } from './writes.js';

/** Raises FORMULA_UNSUPPORTED. */
export function checkInPlace(sections: readonly CheckedSection[]): void {
  const { scope } = sections[0]!;
  const tensors = scope.spec.tensors.filter((decl) => decl.access === 'inout' && scope.exists(decl));
  if (tensors.length === 0) return;
  for (const section of sections) {
    const reads = sectionReads(section.statements);
    for (const decl of tensors) {
      const own = reads.filter((read) => read.load.tensor === decl.name);
      if (own.length === 0) continue;
      const writes = section.writes(decl.name);
      const [write] = writes;
      refuseOtherSections(sections, section, decl, own[0]!.load);
      if (!write) continue;
      for (const read of own) {
        const { load, elsewhere } = read;
        if (elsewhere !== undefined) throw otherElements(decl, load, elsewhere);
        if (isScatter(write)) {
          const other = otherThanOwn(section.scope.tensor(decl.name, load.span)!, writes, read);
          if (other !== undefined) throw otherElements(decl, load, other);
        } else refuseMoved(section.scope, decl, write, load);
      }
      refuseShared(section, decl, write);
    }
  }
}

/** Sections run side by side: what one writes, no other may read. */
function refuseOtherSections(
  sections: readonly CheckedSection[],
  reader: CheckedSection,
  decl: TensorDecl,
  load: Load,
): void {
  const { cut } = reader.scope;
  if (cut !== undefined && decl.shape.flatMap(entryDims).includes(cut.dim)) return;
  const writer = sections.find((section) => section !== reader && section.writes(decl.name).length > 0);
  if (!writer) return;
  throw unsupported(
    `${decl.name} is read in section ${reader.name} and written in section ${writer.name}`,
    'sections that run side by side',
    'a tensor updated in place by one section',
    `read ${decl.name} in section ${writer.name} alone, or write to another tensor`,
    load.span,
  );
}

function refuseMoved(scope: Scope, decl: TensorDecl, write: Write, load: Load): void {
  const moved = load.indices.find((index) => !staysInRow(scope, decl, write, index));
  if (moved) throw otherElements(decl, load, `an index along ${moved.dim}`);
  const open = write.indices.find(({ dim }) => !load.indices.some((index) => index.dim === dim));
  if (open) throw otherElements(decl, load, `every position of ${open.dim}`);
}

/** Whether data decide where a write goes. */
const isScatter = ({ indices }: Write): boolean => indices.some(({ index }) => affineOf(index) === undefined);

/**
 * Whether a read at an index is one of the element that the same threads write: at its own position, at the constant
 * that the write names too, or, where the write covers the dimension, at another position of a static dimension.
 */
function staysInRow(scope: Scope, decl: TensorDecl, write: Write, { dim, index }: BoundIndex): boolean {
  const affine = affineOf(index);
  const written = write.indices.find((entry) => entry.dim === dim);
  if (!affine) return false;
  if (written) return affine.dim === undefined && affine.offset === affineOf(written.index)!.offset;
  if (isIdentity(affine, dim)) return true;
  const extended = decl.shape.some((entry) => entry.kind === 'extended' && entry.dim === dim);
  return affine.dim === dim && !scope.isDynamic(dim) && dim !== scope.cut?.as && !extended;
}

/** An element belongs to several threads where the section writes over more axes than the tensor has. */
function refuseShared(section: CheckedSection, decl: TensorDecl, write: Write): void {
  const { scope } = section;
  const own = writeDomain(scope.tensor(decl.name, write.span)!, write.indices);
  for (const other of section.writes()) {
    const domain = writeDomain(scope.tensor(other.tensor, other.span)!, other.indices);
    const missing = missingAxis(domain, own);
    if (missing === undefined) continue;
    throw unsupported(
      `${decl.name} is updated in place and shared by all positions of ${missing}`,
      `${decl.name} over ${showAxes(own)}, ${other.tensor} over ${showAxes(domain)}`,
      `every tensor that the section writes over axes of ${decl.name}`,
      `write the new values to another tensor than ${decl.name}, or update it in a kernel of its own`,
      write.span,
    );
  }
}

const otherElements = (decl: TensorDecl, load: Load, actual: string): Error =>
  unsupported(
    `${decl.name} is updated in place and read at elements that other threads write`,
    actual,
    'each element read where it is written, at the same index, or at another position of a static dimension',
    `write to another tensor than ${decl.name}`,
    load.span,
  );
