/**
 * Tables to look at: a layout of one or two top-level modes -> its values as a grid, mode 0 down and mode 1 across;
 * a thread-value layout -> who owns each element of its tile.
 */
import { type AnyLayout, evaluateAny, formatAny, innerLayout } from './composed.js';
import { layoutError } from './integer.js';
import { formatTuple } from './int-tuple.js';
import { formatLayout, modesOf, size } from './layout.js';
import { type TvLayout, tvOwner } from './thread-value.js';

/** Rows and columns of a table beyond which it is no longer of use to a reader. */
const LARGEST_TABLE = 4096;

/** The layout's text, and below it its values. @throws LAYOUT_INVALID for more than two modes, or 4096 elements. */
export function layoutTable(layout: AnyLayout): string {
  const [rows, columns] = extents(modesOf(innerLayout(layout)).map(size), formatAny(layout));
  return [
    formatAny(layout),
    ...grid(rows, columns, (row, column) => String(evaluateAny(layout, row + rows * column))),
  ].join('\n');
}

/** The layout's text, and below it `T<thread>V<value>` of each element. @throws LAYOUT_INVALID as `layoutTable`. */
export function tvTable(tv: TvLayout): string {
  const text = `${formatTuple(tv.tile)} ${formatLayout(tv.layout)}`;
  const [rows, columns] = extents(tv.tile, text);
  return [
    text,
    ...grid(rows, columns, (row, column) => {
      const { thread, value } = tvOwner(tv, row + rows * column);
      return `T${thread}V${value}`;
    }),
  ].join('\n');
}

function extents(modes: readonly number[], text: string): [rows: number, columns: number] {
  const [rows = 1, columns = 1] = modes;
  if (modes.length <= 2 && rows * columns <= LARGEST_TABLE) return [rows, columns];
  throw layoutError(
    'the layout does not fit a table',
    text,
    `at most two top-level modes and ${LARGEST_TABLE} elements`,
    'slice or group its modes first',
  );
}

/** A header and one line a row, columns aligned to the right. */
function grid(rows: number, columns: number, cell: (row: number, column: number) => string): string[] {
  const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const lines = [
    ['', ...range(columns).map(String)],
    ...range(rows).map((row) => [String(row), ...range(columns).map((column) => cell(row, column))]),
  ];
  const width = Math.max(...lines.flat().map((text) => text.length));
  return lines.map((line) => line.map((text) => text.padStart(width)).join(' '));
}
