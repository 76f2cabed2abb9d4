/** Results -> pictures, as SVG text: a roofline of the device, and times against the best peer. */

import { bestPeer, type BenchCase, type BenchResults } from './results.js';

const COLOURS = [
  '#c2255c',
  '#1971c2',
  '#2f9e44',
  '#e8590c',
  '#6741d9',
  '#0c8599',
  '#868e96',
  '#5c940d',
  '#a61e4d',
];

const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

function svg(width: number, height: number, title: string, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `  <rect width="${width}" height="${height}" fill="white"/>`,
    `  <text x="20" y="26" font-size="16" font-weight="bold">${escape(title)}</text>`,
    ...body.map((line) => `  ${line}`),
    '</svg>',
    '',
  ].join('\n');
}

/** Position on a logarithmic axis. */
const logarithmic =
  (from: number, to: number, start: number, end: number) =>
  (value: number): number =>
    start + ((Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from))) * (end - start);

const text = (x: number, y: number, value: string, more = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escape(value)}</text>`;

const decades = (from: number, to: number): readonly number[] => {
  const ticks: number[] = [];
  for (let tick = 10 ** Math.ceil(Math.log10(from)); tick <= to * 1.0001; tick *= 10) ticks.push(tick);
  return ticks;
};

/** Operations a second over operations a byte, under the line that memory draws; undefined where nothing is computed. */
export function roofline({ device, ceilings, cases }: BenchResults): string | undefined {
  const kernels = [...new Set(cases.map(({ kernel }) => kernel))].sort();
  // A copy has no operations, and no place on a logarithmic axis.
  const counted = cases.filter(({ operations }) => operations > 0);
  const points = counted.map((each) => {
    const bytes = each.moved.read + each.moved.written;
    return {
      each,
      intensity: each.operations / bytes,
      rate: each.operations / (each.microseconds.median * 1e-6),
    };
  });
  if (points.length === 0) return undefined;
  const intensities = points.map(({ intensity }) => intensity);
  const rates = points.map(({ rate }) => rate);
  const range = [Math.min(...intensities) / 2, Math.max(...intensities) * 2] as const;
  const top = Math.max(...rates, ceilings.read * range[1]);
  const bottom = Math.min(...rates) / 2;
  const x = logarithmic(range[0], range[1], 80, 700);
  const y = logarithmic(bottom, top * 1.3, 470, 50);
  const roof = (name: string, rate: number, colour: string, below: number): string[] => [
    `<line x1="${x(range[0])}" y1="${y(rate * range[0])}" x2="${x(range[1])}" y2="${y(rate * range[1])}" stroke="${colour}"/>`,
    text(
      x(range[1]) + 6,
      y(rate * range[1]) + below,
      `${name} ${(rate / 1e12).toFixed(2)} TB/s`,
      `fill="${colour}"`,
    ),
  ];
  return svg(960, 560, `Roofline of ${device}: every case of the bench`, [
    ...decades(bottom, top).flatMap((tick) => [
      `<line x1="80" x2="700" y1="${y(tick)}" y2="${y(tick)}" stroke="#eee"/>`,
      text(74, y(tick) + 4, `${tick / 1e9} G`, 'text-anchor="end"'),
    ]),
    ...decades(range[0], range[1]).map((tick) => text(x(tick), 488, String(tick), 'text-anchor="middle"')),
    text(390, 512, 'operations a byte', 'text-anchor="middle"'),
    text(20, 42, 'operations a second', 'fill="#666"'),
    ...roof('read', ceilings.read, '#495057', -2),
    ...roof('copy', ceilings.copy, '#868e96', 14),
    ...points.map(({ each, intensity, rate }) => {
      const colour = COLOURS[kernels.indexOf(each.kernel) % COLOURS.length]!;
      const what = `${each.variant}, ${each.rows} rows, ${each.cache}: ${each.microseconds.median} us`;
      const radius = 2 + Math.log2(each.rows + 1) / 4;
      const fill = each.cache === 'cold' ? colour : 'none';
      return `<circle cx="${x(intensity).toFixed(1)}" cy="${y(rate).toFixed(1)}" r="${radius.toFixed(1)}" fill="${fill}" stroke="${colour}" fill-opacity="0.6"><title>${escape(what)}</title></circle>`;
    }),
    ...kernels.flatMap((kernel, i) => {
      const colour = COLOURS[i % COLOURS.length]!;
      const at = 300 + i * 18;
      return [`<circle cx="724" cy="${at}" r="5" fill="${colour}"/>`, text(736, at + 4, kernel)];
    }),
    text(
      80,
      540,
      'Larger dots have more rows; filled ones began with a cold L2, hollow ones with a warm one.',
      'fill="#666"',
    ),
  ]);
}

/** Times of the fastest peer by ours, one bar a case; undefined where no peer ran. */
export function ratioChart({ device, cases }: BenchResults): string | undefined {
  const bars = cases.flatMap((each) => {
    const best = bestPeer(each);
    return best ? [{ each, best }] : [];
  });
  if (bars.length === 0) return undefined;
  const widest = Math.max(2, ...bars.map(({ best }) => best.ratio));
  const [left, width, step] = [560, 300, 20];
  const x = (ratio: number): number => left + (ratio / widest) * width;
  const height = 90 + bars.length * step;
  return svg(960, height, `Time of the fastest peer by ours, on ${device}`, [
    `<line x1="${x(1)}" x2="${x(1)}" y1="48" y2="${height - 24}" stroke="#495057" stroke-dasharray="4"/>`,
    text(x(1), 44, 'level', 'text-anchor="middle"'),
    ...bars.flatMap(({ each, best }, i) => {
      const at = 56 + i * step;
      const fill = best.ratio >= 1 ? '#c2255c' : '#868e96';
      return [
        text(left - 8, at + 12, labelOf(each), 'text-anchor="end"'),
        `<rect x="${left}" y="${at}" width="${(x(best.ratio) - left).toFixed(1)}" height="15" fill="${fill}"/>`,
        text(x(best.ratio) + 6, at + 12, `${best.ratio.toFixed(2)} (${best.name})`),
      ];
    }),
  ]);
}

/** Long ids keep their beginning. */
const LONGEST_LABEL = 62;

function labelOf({ variant, rows, cache }: BenchCase): string {
  const id = variant.length > LONGEST_LABEL ? `${variant.slice(0, LONGEST_LABEL - 1)}…` : variant;
  return `${id}, ${rows}, ${cache}`;
}
