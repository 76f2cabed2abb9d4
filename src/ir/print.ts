/** Both forms of the IR -> text, deterministic, for `explain` and for tests. */

import { formatLayout } from '../layout/index.js';
import {
  operands,
  partsOf,
  type Access,
  type Kernel,
  type Section,
  type Store,
  type Stride,
  type Value,
} from './kernel.js';
import type { Coordinate, Statement, TileExpr } from './tile.js';

export function printKernel(kernel: Kernel): string {
  const lines = [`kernel ${kernel.name}`];
  for (const tensor of kernel.tensors) {
    const align = tensor.align > 0 ? ` align ${tensor.align}` : '';
    lines.push(
      `  tensor ${tensor.name}: ${tensor.access} ${tensor.dtype}(${tensor.shape.join(', ')})${align}${tensor.weight ? ' weight' : ''}`,
    );
  }
  for (const scalar of kernel.scalars)
    lines.push(
      `  scalar ${scalar.name}: ${scalar.dtype}${scalar.multipleOf > 1 ? ` multiple of ${scalar.multipleOf}` : ''}`,
    );
  const { schedule } = kernel;
  if (schedule) {
    const persistent = schedule.persistent
      ? `, persistent with ${schedule.persistent.ctasPerSm} CTAs an SM`
      : '';
    const counters = schedule.counters === undefined ? '' : `, ${schedule.counters} CTAs count together`;
    const registers =
      schedule.minBlocks === undefined ? '' : `, registers for ${schedule.minBlocks} CTAs an SM`;
    const steps = schedule.steps === undefined ? '' : `, ${schedule.steps} steps at once`;
    const ahead = schedule.ahead === undefined ? '' : `, ahead of the wait ${schedule.ahead}`;
    const streams = schedule.streams === undefined ? '' : `, streams ${schedule.streams}`;
    lines.push(
      `  schedule ${schedule.threads} threads, cluster ${schedule.cluster}${counters}, ${schedule.residency}${persistent}${registers}${steps}${ahead}${streams}`,
    );
  }
  for (const region of kernel.shared)
    lines.push(`  shared ${region.name}: ${region.dtype}[${region.elements}] align ${region.align}`);
  return (
    [...lines, ...kernel.sections.flatMap((section) => partsOf(section).flatMap(printSection))].join('\n') +
    '\n'
  );
}

function printSection(section: Section): readonly string[] {
  const tables = section.tables ? printSection({ ...section.tables, name: 'tables' }) : [];
  const lines = [...tables, `section ${section.name === '' ? '(whole)' : section.name}`];
  lines.push(
    `  axes ${section.axes.map(({ axis, extent, role, walked }) => `${axis}=${extent} ${role}${walked ? ' walked' : ''}`).join(', ')}`,
  );
  if (section.schedule) lines.push(`  rows ${section.schedule.rowsPerCta} a CTA`);
  if (section.lanes)
    lines.push(
      `  lanes ${formatLayout(section.lanes.layout)}${section.lanes.tail === undefined ? '' : ' with a tail'}`,
    );
  if (section.body) return [...lines, ...section.body.flatMap((statement) => printStatement(statement, 1))];
  return [
    ...lines,
    ...section.values.map((value) => `  ${printValue(value)}`),
    ...section.stores.map((store) => `  ${printStore(store)}`),
    ...(section.carries ? [`  carries ${section.carries.map((id) => `%${id}`).join(', ')}, then`] : []),
  ];
}

function printValue(value: Value): string {
  const name = value.name === undefined ? '' : ` "${value.name}"`;
  return (
    `%${value.id}${name} = ${value.kind}${detail(value)} ${operands(value)
      .map((id) => `%${id}`)
      .join(' ')}`.trimEnd() + ` : ${value.dtype}(${value.axes.join(', ')})`
  );
}

function detail(value: Value): string {
  switch (value.kind) {
    case 'literal':
      return ` ${value.value}`;
    case 'param':
      return ` ${value.param}`;
    case 'position':
      return ` ${value.axis}`;
    case 'extent':
      return ` ${value.dim}`;
    case 'load':
      return ` ${printAccess(value.access)}`;
    case 'remap':
      return ` ${value.axis} -> ${value.scale} * ${value.axis} + ${value.offset}`;
    case 'unary':
    case 'binary':
    case 'compare':
      return ` ${value.fn}`;
    case 'cast':
      return ` ${value.rounding}${value.saturate ? ' sat' : ''}`;
    case 'reduce':
      return ` ${value.fn} over ${value.over.join(', ')}`;
    case 'range-reduce':
      return ` ${value.fn} over a range of ${value.over}`;
    case 'top':
      return ` ${value.fn} along ${value.over.join(', ')} to ${value.slots}`;
    case 'arg':
      return ` ${value.fn} along ${value.over}`;
    case 'cut':
      return ` along ${value.over}`;
    case 'cut-end':
    case 'order':
      return '';
    case 'pick':
    case 'random':
      return ` ${value.axis}`;
    case 'count':
    case 'rank':
      return ` of ${value.bins} over ${value.over.join(', ')}`;
    case 'scan':
      return ` along ${value.over}`;
    case 'lookup':
      return ` along ${value.axis}`;
    case 'table':
      return ` %${value.place} of the tables`;
    case 'carried':
      return ` ${value.place}${value.along === undefined ? '' : ` along ${value.along}`}`;
    case 'select':
      return '';
    default:
      value satisfies never;
      return '';
  }
}

function printStore(store: Store): string {
  return `store ${printAccess(store.access)} <- %${store.value}${store.where === undefined ? '' : ` where %${store.where}`}`;
}

function printAccess(access: Access): string {
  const terms = access.terms.map((term) => {
    const what = term.kind === 'axis' ? term.axis : term.kind === 'value' ? `%${term.value}` : '1';
    return `${what}*${printStride(term.stride)}`;
  });
  const bounds = access.bounds.map((bound) => ` if %${bound.value} < ${bound.extent}`);
  return `${access.tensor}[${terms.join(' + ')}]${bounds.join('')}`;
}

const hint = (what: string, value: string | undefined): string =>
  value === undefined ? '' : `, ${what} ${value}`;

const printStride = (step: Stride): string =>
  [...(step.factor !== 1 || step.symbols.length === 0 ? [String(step.factor)] : []), ...step.symbols].join(
    '*',
  );

function printStatement(statement: Statement, depth: number): readonly string[] {
  const pad = '  '.repeat(depth);
  const nest = (body: readonly Statement[]) => body.flatMap((inner) => printStatement(inner, depth + 1));
  switch (statement.kind) {
    case 'let':
    case 'assign':
      return [`${pad}${statement.kind} ${statement.name} = ${printExpr(statement.value)}`];
    case 'fragment':
      return [
        `${pad}fragment ${statement.name}: ${statement.dtype}[${statement.shape.join(', ')}]${statement.fill === undefined ? '' : ` filled with ${statement.fill}`}`,
      ];
    case 'shared-fragment':
      return [`${pad}shared ${statement.name} = ${statement.region} o ${formatLayout(statement.layout)}`];
    case 'view':
      return [
        `${pad}view ${statement.name} = ${statement.tensor} + ${statement.offset ? printExpr(statement.offset) : '0'} o ${formatLayout(statement.layout)}${hint('loads', statement.load)}${hint('stores', statement.store)}`,
      ];
    case 'store':
      return [
        `${pad}store ${statement.to}[${statement.at.map(printCoordinate).join(', ')}] <- ${printExpr(statement.value)}`,
      ];
    case 'unroll':
      return [`${pad}unroll ${statement.variable} < ${statement.extent}`, ...nest(statement.body)];
    case 'loop':
      return [
        `${pad}loop ${statement.variable} from ${printExpr(statement.begin)} to ${printExpr(statement.end)} by ${printExpr(statement.step)} unroll ${statement.unroll}`,
        ...nest(statement.body),
      ];
    case 'if':
      return [
        `${pad}if ${printExpr(statement.condition)}`,
        ...nest(statement.then),
        ...(statement.otherwise ? [`${pad}else`, ...nest(statement.otherwise)] : []),
      ];
    case 'cluster-store':
      return [
        `${pad}cluster-store ${statement.to}[${printExpr(statement.index)}] <- ${printExpr(statement.value)} in ${statement.cluster} CTAs`,
      ];
    case 'shared-add': {
      const result = statement.result === undefined ? '' : `let ${statement.result} = `;
      return [
        `${pad}${result}shared-add ${statement.to}[${printExpr(statement.index)}] <- ${printExpr(statement.value)}`,
      ];
    }
    case 'row-total':
      return [`${pad}let ${statement.name} = row-total ${printExpr(statement.value)}`];
    case 'gather-list':
      return [
        `${pad}let ${statement.name} = gather-list ${statement.parts.join(', ')}, up to ${statement.most}`,
      ];
    case 'search-bins':
      return [
        `${pad}search-bins ${statement.bins} at ${printExpr(statement.phase)} for ${printExpr(statement.need)}${statement.upper > 0 ? ' of masses' : ''}`,
      ];
    case 'prefetch':
      return [`${pad}prefetch ${statement.of}[${statement.at.map(printCoordinate).join(', ')}]`];
    case 'barrier':
    case 'warp-barrier':
    case 'dependent-wait':
    case 'dependent-launch':
      return [`${pad}${statement.kind}`];
    case 'cluster-barrier':
      return [`${pad}${statement.kind}${statement.half ? ` (${statement.half})` : ''}`];
    default:
      statement satisfies never;
      return [];
  }
}

const printCoordinate = (at: Coordinate): string => (at.kind === 'vector' ? '*' : printExpr(at.index));

function printExpr(expr: TileExpr): string {
  switch (expr.kind) {
    case 'name':
      return expr.name;
    case 'literal':
      return String(expr.value);
    case 'element':
      return `${expr.of}[${expr.at.map(printCoordinate).join(', ')}]`;
    case 'iota':
    case 'cluster-rank':
    case 'cta-index':
    case 'cta-count':
    case 'thread-index':
      return expr.kind;
    case 'splat':
      return `splat(${printExpr(expr.operand)})`;
    case 'unary':
      return `${expr.fn}(${printExpr(expr.operand)})`;
    case 'binary':
    case 'compare':
      return `(${printExpr(expr.left)} ${expr.fn} ${printExpr(expr.right)})`;
    case 'combine':
      return `combine.${expr.fn}(${printExpr(expr.left)}, ${printExpr(expr.right)})`;
    case 'select':
      return `select(${printExpr(expr.condition)}, ${printExpr(expr.then)}, ${printExpr(expr.otherwise)})`;
    case 'cast':
      return `${expr.dtype}.${expr.rounding}${expr.saturate ? '.sat' : ''}(${printExpr(expr.operand)})`;
    case 'order-key':
      return `order-key${expr.ascending ? '.ascending' : ''}(${printExpr(expr.operand)}${expr.position ? `, ${printExpr(expr.position)}` : ''})`;
    case 'warp-match':
      return `warp.match(${printExpr(expr.operand)})`;
    case 'lane-count':
      return `lanes.${expr.which}(${printExpr(expr.operand)})`;
    case 'warp-scan':
      return `warp.scan(${printExpr(expr.operand)})`;
    case 'gap-bin':
    case 'gap-key':
      return `${expr.kind}(${printExpr(expr.operand)}, ${printExpr(expr.top)})`;
    case 'key-number':
    case 'key-position':
      return `${expr.kind}(${printExpr(expr.operand)})`;
    case 'index-mask':
      return `mask(${printExpr(expr.operand)} < ${printExpr(expr.extent)})`;
    case 'masked':
      return `(${printExpr(expr.operand)} & ${printExpr(expr.mask)})`;
    case 'random-bits':
      return `random(${printExpr(expr.start)}, ${printExpr(expr.seed)}, ${printExpr(expr.offset)})`;
    case 'share-of':
      return `share-of(${printExpr(expr.total)}, ${printExpr(expr.share)})`;
    case 'fold':
      return `fold.${expr.fn}(${printExpr(expr.initial)}, ${printExpr(expr.operand)})`;
    case 'warp-reduce':
      return `warp.${expr.fn}(${printExpr(expr.operand)}, ${expr.threads} threads ${expr.stride} apart)`;
    default:
      expr satisfies never;
      return '';
  }
}
