/** Cases as lines of text. */

import { bestPeer, type BenchCase } from './results.js';
import { geometricMean } from './statistics.js';

export function caseLine(result: BenchCase): string {
  const { variant, rows, cache, microseconds, ofCeiling, check, empty } = result;
  const best = bestPeer(result);
  const bytes = result.moved.read + result.moved.written;
  return [
    variant,
    `${rows} rows, ${cache}:`,
    `${microseconds.median.toFixed(2)} us`,
    `(${microseconds.low.toFixed(2)} to ${microseconds.high.toFixed(2)}; empty ${empty.median.toFixed(2)}),`,
    `${(bytes / microseconds.median / 1e6).toFixed(2)} TB/s,`,
    `${(ofCeiling * 100).toFixed(0)} % of streaming`,
    best ? `, ${best.ratio.toFixed(2)} times faster than ${best.name}` : '',
    check.wrong.length > 0 ? `, WRONG: ${check.wrong[0]}` : '',
  ]
    .join(' ')
    .replaceAll(' ,', ',');
}

/** By kernel and cache: the geometric mean and the worst of the ratios to the best peer. */
export function summaryLines(cases: readonly BenchCase[]): readonly string[] {
  const names = [...new Set(cases.map(nameOf))];
  return names.map((name) => {
    const members = cases.filter((each) => nameOf(each) === name);
    const ratios = members.flatMap((each) => bestPeer(each)?.ratio ?? []);
    const ceiling = members.map(({ ofCeiling }) => ofCeiling);
    const against =
      ratios.length > 0
        ? `; against the best peer ${geometricMean(ratios).toFixed(2)} times faster, at worst ${Math.min(...ratios).toFixed(2)}`
        : '';
    return `${name}: ${members.length} cases, up to ${(Math.max(...ceiling) * 100).toFixed(0)} % of streaming${against}`;
  });
}

const nameOf = ({ kernel, cache }: BenchCase): string => `${kernel}, ${cache}`;
