// Results of a run -> bench/results/mutation.json and the generated part of docs/mutation.md. Run on its own, it renders the
// page again: after survivors.json was edited.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IR_OPERATORS, PTX_OPERATORS, scoreOf, scoreTable } from '../../dist/verify/mutation/index.js';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const BEGIN = '<!-- begin of the generated part -->';
const END = '<!-- end of the generated part -->';

const RESULTS = join(root, 'bench', 'results', 'mutation.json');

export function writeReport(results, facts) {
  const survivors = results
    .filter(({ outcome }) => outcome === 'survived')
    .sort((a, b) => (a.operator + a.variant + a.id < b.operator + b.variant + b.id ? -1 : 1));
  const levels = ['ptx', 'ir'].map((level) => ({
    ...scoreOf(results.filter((each) => each.level === level)).total,
    name: level === 'ptx' ? 'PTX' : 'IR',
  }));
  mkdirSync(dirname(RESULTS), { recursive: true });
  const all = { ...facts, score: scoreOf(results), levels, survivors };
  writeFileSync(RESULTS, `${JSON.stringify(all, null, 2)}\n`);
  renderPage();
}

/** The page from the last results and the explanations of today. */
export function renderPage() {
  const { score, levels, survivors, ...facts } = JSON.parse(readFileSync(RESULTS, 'utf8'));
  const explanations = JSON.parse(readFileSync(join(here, 'survivors.json'), 'utf8'));
  const explained = survivors.map((mutant) => ({
    ...mutant,
    reason: mutant.equivalent ?? explanations[mutant.id] ?? '',
  }));
  const page = join(root, 'docs', 'mutation.md');
  const old = existsSync(page) ? readFileSync(page, 'utf8') : `# Mutation testing\n\n${BEGIN}\n${END}\n`;
  const before = old.slice(0, old.indexOf(BEGIN));
  const after = old.slice(old.indexOf(END) + END.length);
  writeFileSync(page, `${before}${BEGIN}\n\n${text(score, levels, explained, facts)}\n\n${END}${after}`);
}

function text(score, levels, survivors, facts) {
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const { total } = score;
  const docs = new Map([...PTX_OPERATORS, ...IR_OPERATORS].map(({ name, doc }) => [name, doc]));
  const causes = Object.entries(score.byCause).sort(([, a], [, b]) => b - a);
  return [
    `Seed ${facts.seed}, ${facts.variants} variants of ${score.byKernel.length} kernels for ${facts.archs.join(' and ')}.`,
    `${total.mutants} mutants by ${score.byOperator.length} operators: ${total.caught} caught, **${percent(total.raw)} raw**; ` +
      `${percent(total.adjusted)} without the ${total.equivalent} that are proven equivalent.`,
    scoreTable('level', levels),
    '## By operator',
    scoreTable(
      'operator',
      score.byOperator.map((row) => ({ ...row, name: `\`${row.name}\`: ${docs.get(row.name)}` })),
    ),
    '## By kernel',
    scoreTable('kernel', score.byKernel),
    '## What caught them',
    ['| cause | mutants |', '|---|--:|', ...causes.map(([cause, n]) => `| ${cause} | ${n} |`)].join('\n'),
    '## Survivors',
    [
      '| mutant | variant | operator | line | before | after | why |',
      '|---|---|---|--:|---|---|---|',
      ...survivors.map((each) =>
        [
          '',
          ` ${each.id} `,
          ` ${each.variant} `,
          ` \`${each.operator}\` `,
          ` ${each.line} `,
          ` ${code(each.before)} `,
          ` ${each.after === '' ? 'dropped' : code(each.after)} `,
          ` ${each.equivalent ? `proven: ${each.equivalent}` : each.reason} `,
          '',
        ].join('|'),
      ),
    ].join('\n'),
  ].join('\n\n');
}

const code = (source) => `\`${source.replaceAll('|', '\\|')}\``;

if (process.argv[1] === fileURLToPath(import.meta.url)) renderPage();
