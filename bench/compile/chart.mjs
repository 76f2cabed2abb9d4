// A horizontal bar chart as SVG text.

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

/** rows: [label, seconds][] */
export function barChart(title, rows) {
  const largest = Math.max(...rows.map(([, value]) => value));
  const [left, width, height] = [230, 460, 30];
  const bars = rows.map(([label, value], i) => {
    const y = 56 + i * height;
    const length = Math.max(2, (value / largest) * width);
    const fill = label.startsWith('rose-gen') ? '#c2255c' : '#868e96';
    return [
      `  <text x="${left - 10}" y="${y + 15}" text-anchor="end">${escape(label)}</text>`,
      `  <rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="20" fill="${fill}"/>`,
      `  <text x="${(left + length + 8).toFixed(1)}" y="${y + 15}">${value.toFixed(2)} s</text>`,
    ].join('\n');
  });
  const total = 76 + rows.length * height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 ${total}" font-family="sans-serif" font-size="13">`,
    `  <rect width="780" height="${total}" fill="white"/>`,
    `  <text x="20" y="30" font-size="16" font-weight="bold">${escape(title)}</text>`,
    ...bars,
    '</svg>',
    '',
  ].join('\n');
}
