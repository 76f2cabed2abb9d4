/** A kernel in tile form -> every mutant that the operators can make of it, and the kernel of each. */

import type { Kernel } from '../../ir/index.js';
import type { Coordinate, Statement, TileExpr } from '../../ir/tile.js';
import { IR_OPERATORS, type IrOperator } from './ir-operators.js';
import { mutantId, type Mutant } from './mutant.js';

export interface IrMutant extends Mutant {
  readonly changed: Kernel;
}

/** Mutants of one variant, whose kernel has been through every pass. They may not all compile. */
export function irMutants(
  variant: string,
  kernel: Kernel,
  operators: readonly IrOperator[] = IR_OPERATORS,
): readonly IrMutant[] {
  return operators.flatMap(({ name, sites }) =>
    kernel.sections.flatMap((section, at) =>
      sites(section.body ?? []).map((edit, site) => {
        const mutant = {
          level: 'ir',
          kernel: kernel.name,
          variant,
          operator: name,
          line: site + 1,
          before: `${section.name === '' ? '' : `${section.name}: `}${describe(edit.before)}`,
          after: edit.after ? describe(edit.after) : '',
        } as const;
        const sections = kernel.sections.map((old, i) => (i === at ? { ...old, body: edit.body } : old));
        return { ...mutant, id: mutantId(mutant), changed: { ...kernel, sections } };
      }),
    ),
  );
}

/** A node in one line. */
export function describe(node: Statement | TileExpr): string {
  switch (node.kind) {
    case 'name':
      return node.name;
    case 'literal':
      return `${node.value}`;
    case 'element':
      return `${node.of}[${indices(node.at)}]`;
    case 'splat':
      return describe(node.operand);
    case 'unary':
      return `${node.fn}(${describe(node.operand)})`;
    case 'binary':
    case 'compare':
      return `(${describe(node.left)} ${node.fn} ${describe(node.right)})`;
    case 'select':
      return `select(${[node.condition, node.then, node.otherwise].map(describe).join(', ')})`;
    case 'cast':
      return `${node.dtype}.${node.rounding}${node.saturate ? '.sat' : ''}(${describe(node.operand)})`;
    case 'fold':
      return `fold ${node.fn}(${describe(node.operand)}, ${describe(node.initial)})`;
    case 'combine':
      return `combine ${node.fn}(${describe(node.left)}, ${describe(node.right)})`;
    case 'warp-reduce':
      return `warp ${node.fn}(${describe(node.operand)}, ${node.threads} lanes, ${node.stride} apart)`;
    case 'order-key':
      return `key of ${describe(node.operand)}${node.position ? ` at ${describe(node.position)}` : ''}${node.ascending ? ', ascending' : ''}`;
    case 'warp-match':
      return `lanes with the same ${describe(node.operand)}`;
    case 'lane-count':
      return `${node.which} lanes of ${describe(node.operand)}`;
    case 'warp-scan':
      return `scan of ${describe(node.operand)}`;
    case 'random-bits':
      return `random bits of ${describe(node.start)} under ${describe(node.seed)}, ${describe(node.offset)}`;
    case 'share-of':
      return `${describe(node.share)} of ${describe(node.total)}`;
    case 'row-total':
      return `${node.name} = sum over the row of ${describe(node.value)}`;
    case 'search-bins':
      return `search ${node.bins} at ${describe(node.phase)} for ${describe(node.need)}`;
    case 'gap-bin':
    case 'gap-key':
      return `${node.kind}(${describe(node.operand)}, ${describe(node.top)})`;
    case 'gather-list':
      return `${node.name} = gather ${node.parts.join(', ')} up to ${node.most}`;
    case 'key-number':
      return `number of ${describe(node.operand)}`;
    case 'key-position':
      return `position in ${describe(node.operand)}`;
    case 'index-mask':
      return `mask of ${describe(node.operand)} < ${describe(node.extent)}`;
    case 'masked':
      return `(${describe(node.operand)} & ${describe(node.mask)})`;
    case 'let':
    case 'assign':
      return `${node.name} = ${describe(node.value)}`;
    case 'fragment':
      return `${node.name} = fragment(${node.shape.join(', ')}) ${node.dtype} of ${node.fill ?? 'nothing'}`;
    case 'view':
      return `${node.name} = view of ${node.tensor} at ${node.offset ? describe(node.offset) : 0}`;
    case 'prefetch':
      return `prefetch ${node.of}[${indices(node.at)}]`;
    case 'store':
      return `${node.to}[${indices(node.at)}] = ${describe(node.value)}`;
    case 'cluster-store':
      return `${node.to}[${describe(node.index)}] = ${describe(node.value)} in ${node.cluster} CTAs`;
    case 'shared-add':
      return `${node.to}[${describe(node.index)}] += ${describe(node.value)}`;
    case 'unroll':
      return `unroll ${node.variable} < ${node.extent}`;
    case 'loop':
      return `loop ${node.variable} = ${[node.begin, node.end, node.step].map(describe).join(', ')}`;
    case 'if':
      return `if ${describe(node.condition)}`;
    case 'shared-fragment':
      return `${node.name} = part of ${node.region}`;
    case 'iota':
    case 'cluster-rank':
    case 'cta-index':
    case 'cta-count':
    case 'thread-index':
    case 'barrier':
    case 'warp-barrier':
    case 'cluster-barrier':
    case 'dependent-wait':
    case 'dependent-launch':
      return node.kind;
    default:
      node satisfies never;
      return '';
  }
}

const indices = (at: readonly Coordinate[]): string =>
  at.map((coordinate) => (coordinate.kind === 'vector' ? '*' : describe(coordinate.index))).join(', ');
