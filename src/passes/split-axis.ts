/**
 * Splits one axis `a` of a section in two: `a/n` (slow) and `a%n` (fast, n elements).
 *
 * Loads and stores along `a` get one stride for each half, positions are recomposed, reductions over `a` and selections along it
 * become those over both.
 */

import type { Axis } from '../spec/index.js';
import { stride, type Access, type AxisInfo, type Section, type Store, type Term } from '../ir/kernel.js';
import { unsupported } from './unsupported.js';
import { rebuild } from './rebuild.js';

export const outerAxis = (axis: Axis, by: number): Axis => `${axis}/${by}`;
export const innerAxis = (axis: Axis, by: number): Axis => `${axis}%${by}`;
/** The dimension that an axis is, or is cut from. */
export const wholeAxis = (axis: Axis): Axis => axis.split(/[/%]/)[0]!;
/** Whether an axis is one of the two that a dimension in blocks has. */
export const isOfBlocks = (axis: Axis): boolean => wholeAxis(axis) !== axis;

/** @throws FORMULA_UNSUPPORTED where a value is remapped along the axis or it is already split otherwise. */
export function splitAxis(section: Section, axis: Axis, by: number): Section {
  const info = section.axes.find((entry) => entry.axis === axis);
  if (info?.extent === 'dynamic') {
    throw unsupported(
      section,
      `dimension ${axis} is dynamic and cannot be cut into blocks of ${by}`,
      `a static ${axis}`,
    );
  }
  const [outer, inner] = [outerAxis(axis, by), innerAxis(axis, by)];
  const splitTerms = (access: Access): Access => ({
    ...access,
    terms: access.terms.flatMap((term): readonly Term[] =>
      term.kind === 'axis' && term.axis === axis
        ? [
            { ...term, axis: outer, stride: stride(term.stride.factor * by, term.stride.symbols) },
            { ...term, axis: inner },
          ]
        : [term],
    ),
  });
  const rewritten = rebuild(
    section,
    (value, graph) => {
      switch (value.kind) {
        case 'load':
          return graph.load(splitTerms(value.access), value.dtype, value.span);
        case 'position': {
          if (value.axis !== axis) return graph.copy(value);
          const { dtype, span } = value;
          const slow = graph.add({ kind: 'position', axis: outer, axes: [outer], dtype, span });
          const fast = graph.add({ kind: 'position', axis: inner, axes: [inner], dtype, span });
          const length = graph.add({ kind: 'literal', value: by, axes: [], dtype, span });
          return graph.binary('+', graph.binary('*', slow, length, dtype, span), fast, dtype, span);
        }
        case 'reduce':
          return graph.reduce(
            value.fn,
            value.over.flatMap((over) => (over === axis ? [outer, inner] : [over])),
            value.operand,
            value.span,
          );
        case 'top':
          if (value.slots === axis) {
            throw unsupported(
              section,
              `${axis} is cut into blocks of ${by}, and a selection lies along it`,
              'what is selected, in its order',
              value.span,
            );
          }
          return graph.top(
            value.fn,
            value.over.flatMap((over) => (over === axis ? [outer, inner] : [over])),
            value.slots,
            value.operand,
            value.allowed,
            value.span,
          );
        case 'arg':
        case 'cut':
        case 'random':
          if ((value.kind === 'random' ? value.axis : value.over) === axis) {
            throw unsupported(
              section,
              `${axis} is cut into blocks of ${by}, and a function of the whole row lies along it`,
              'an axis that no reduction cuts into blocks',
              value.span,
            );
          }
          return graph.copy(value);
        case 'remap':
          if (value.axis === axis) {
            throw unsupported(
              section,
              `${axis} is cut into blocks of ${by} and also read at another position`,
              `an index map along an axis that no reduction cuts into blocks`,
              value.span,
            );
          }
          return graph.copy(value);
        default:
          return graph.copy(value);
      }
    },
    (store): Store => ({ ...store, access: splitTerms(store.access) }),
  );
  return {
    ...rewritten,
    axes: section.axes
      .filter((entry) => entry.axis !== outer && entry.axis !== inner)
      .flatMap((entry): readonly AxisInfo[] =>
        entry.axis === axis
          ? [
              { ...entry, axis: outer, extent: Math.ceil(Number(entry.extent) / by) },
              { ...entry, axis: inner, extent: by },
            ]
          : [entry],
      ),
  };
}
