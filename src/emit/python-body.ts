/** Tile statements -> lines of Python, each with the place in the spec that it came from. */

import { modesOf, type IntTuple, type Layout } from '../layout/index.js';
import type { Statement } from '../ir/tile.js';
import type { Place } from '../util/errors.js';
import type { Imports } from './imports.js';
import { ExprPrinter } from './python-expr.js';

export interface Line {
  readonly text: string;
  readonly place?: Place;
}

export class BodyPrinter {
  private readonly lines: Line[] = [];
  private readonly exprs: ExprPrinter;

  constructor(imports: Imports) {
    this.exprs = new ExprPrinter(imports);
  }

  print(body: readonly Statement[], depth: number): readonly Line[] {
    body.forEach((statement) => this.statement(statement, depth, undefined));
    return this.lines;
  }

  private block(body: readonly Statement[], depth: number, place: Place | undefined): void {
    body.forEach((statement) => this.statement(statement, depth, place));
  }

  private statement(statement: Statement, depth: number, outer: Place | undefined): void {
    const place = statement.span ?? outer;
    const emit = (text: string) =>
      this.lines.push({ text: `${'    '.repeat(depth)}${text}`, ...(place && { place }) });
    const { exprs } = this;
    if (statement.comment) emit(`# ${statement.comment}`);
    switch (statement.kind) {
      case 'let':
      case 'assign':
        emit(`${statement.name} = ${exprs.print(statement.value)}`);
        return;
      case 'fragment':
        emit(
          `${statement.name} = cute.make_rmem_tensor(${tuple(statement.shape)}, ${exprs.type(statement.dtype)})`,
        );
        if (statement.fill !== undefined) emit(`${statement.name}.fill(${fillValue(statement.fill)})`);
        return;
      case 'shared-fragment':
        emit(
          `${statement.name} = cute.make_tensor(${statement.region}.iterator, ${layout(statement.layout)})`,
        );
        return;
      case 'view': {
        const pointer = `${statement.tensor}_ptr`;
        const offset = statement.offset && exprs.print(statement.offset);
        const assumed =
          offset && statement.multipleOf > 1
            ? `cute.assume(${offset}, divby=${statement.multipleOf})`
            : offset;
        exprs.hints.set(statement.name, statement);
        emit(`# ${statement.tensor}: ${statement.shape}`);
        emit(
          `${statement.name} = cute.make_tensor(${pointer}${assumed ? ` + ${assumed.includes(' ') && assumed === offset ? `(${assumed})` : assumed}` : ''}, ${layout(statement.layout)})`,
        );
        return;
      }
      case 'store': {
        const target = `${statement.to}[${exprs.coordinates(statement.at)}]`;
        const value = exprs.print(statement.value);
        if (statement.at.some((at) => at.kind === 'vector'))
          emit(exprs.hintedStore(statement.to, statement.at, statement.value) ?? `${target}.store(${value})`);
        else emit(`${target} = ${value}`);
        return;
      }
      case 'unroll':
        emit(`for ${statement.variable} in cutlass.range_constexpr(${statement.extent}):`);
        this.block(statement.body, depth + 1, place);
        return;
      case 'loop': {
        const [begin, end, step] = [statement.begin, statement.end, statement.step].map((expr) =>
          exprs.print(expr),
        );
        const unroll = statement.unroll > 1 ? `, unroll=${statement.unroll}` : '';
        emit(`for ${statement.variable} in cutlass.range(${begin}, ${end}, ${step}${unroll}):`);
        this.block(statement.body, depth + 1, place);
        return;
      }
      case 'if':
        emit(`if ${exprs.print(statement.condition)}:`);
        this.block(statement.then, depth + 1, place);
        if (statement.otherwise) {
          emit('else:');
          this.block(statement.otherwise, depth + 1, place);
        }
        return;
      case 'cluster-store': {
        const index = exprs.print(statement.index);
        emit(`for peer in cutlass.range_constexpr(${statement.cluster}):`);
        emit(
          `    remote = cute.arch.map_dsmem_ptr(${statement.to}.iterator + (${index}), ${exprs.type('i32')}(peer))`,
        );
        const bits = statement.value.dtype === 'f32' ? 'f32' : 'b32';
        emit(
          `    cute.arch.inline_ptx("st.shared::cluster.${bits} [{$r0}], {$r1};", read_only_args=[remote.toint(), ${exprs.print(statement.value)}])`,
        );
        return;
      }
      case 'warp-barrier':
        emit('cute.arch.sync_warp()');
        return;
      case 'shared-add': {
        const at = `${statement.to}.iterator + (${exprs.print(statement.index)})`;
        const result = statement.result === undefined ? '' : `${statement.result} = `;
        // The bare number of a literal would be taken for another type.
        const value = `${exprs.type('i32')}(${exprs.print(statement.value)})`;
        emit(`${result}cute.arch.atomic_add(${at}, ${value}, sem="relaxed", scope="cta")`);
        return;
      }
      case 'row-total': {
        const { name, sums, share, cluster, threads } = statement;
        const of = exprs.print(statement.value);
        emit(`${name} = ${exprs.helper('row_total')}(${of}, ${sums}, ${share}, ${cluster}, ${threads})`);
        return;
      }
      case 'gather-list': {
        const { parts, count, most, cluster, threads } = statement;
        const gather = exprs.helper('gather_list');
        emit(
          `${statement.name} = ${gather}(${count}, (${parts.join(', ')}), ${most}, ${cluster}, ${threads})`,
        );
        return;
      }
      case 'search-bins': {
        const { bins, sums, found, upper, cluster, threads } = statement;
        const at = `${exprs.print(statement.phase)}, ${exprs.print(statement.need)}`;
        const search = exprs.helper('search_bins');
        emit(`${search}(${bins}, ${sums}, ${found}, ${at}, ${upper}, ${cluster}, ${threads})`);
        return;
      }
      case 'prefetch':
        emit(exprs.prefetch(statement.of, statement.at));
        return;
      case 'barrier':
        emit('cute.arch.sync_threads()');
        return;
      case 'cluster-barrier':
        if (statement.half !== 'wait') emit('cute.arch.cluster_arrive()');
        if (statement.half !== 'arrive') emit('cute.arch.cluster_wait()');
        return;
      case 'dependent-wait':
        emit('cute.arch.griddepcontrol_wait()');
        return;
      case 'dependent-launch':
        emit('cute.arch.griddepcontrol_launch_dependents()');
        return;
      default:
        statement satisfies never;
    }
  }
}

/** A Python tuple; one element keeps its comma. */
export function tuple(values: readonly number[]): string {
  return values.length === 1 ? `(${values[0]},)` : `(${values.join(', ')})`;
}

function layout(value: Layout): string {
  const modes = modesOf(value);
  if (modes.length === 1 && typeof value.shape === 'number') return `cute.make_layout(${value.shape})`;
  return `cute.make_layout(${nested(value.shape)}, stride=${nested(value.stride)})`;
}

function nested(value: IntTuple): string {
  if (typeof value === 'number') return String(value);
  const inner = value.map(nested);
  return inner.length === 1 ? `(${inner[0]},)` : `(${inner.join(', ')})`;
}

function fillValue(value: number): string {
  return Number.isFinite(value) ? String(value) : `float("${value > 0 ? 'inf' : '-inf'}")`;
}
