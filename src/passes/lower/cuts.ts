/**
 * Where the leading elements of a row end (`largest`, `nucleus`), exactly and without sorting it.
 *
 * What cannot be among the leading elements is left out first, and the rest put in a list: for a count, what lies below the bin of
 * the count-th largest of the threads' own largest elements; for masses, what is too light to matter. The cut is looked for in that
 * list (`RadixDescent`), and so is what comes after it among what it leaves (`Survivors`). Where a CTA's list is too short for
 * them, its part of the row is walked again instead.
 */

import type { Value, ValueId } from '../../ir/kernel.js';
import {
  arith,
  compare,
  guarded,
  i32,
  literal,
  name,
  someWithin,
  wide,
  type Statement,
  type TileExpr,
} from '../../ir/tile.js';
import { foundIn, LIST, makeWorkspace, ZERO, type Workspace } from './cut-workspace.js';
import { bits, castI32, NOWHERE, TAKEN, typed } from './integers.js';
import type { LaneGeometry } from './lane-geometry.js';
import { RadixDescent } from './radix-descent.js';
import { orderKey, type Element, type RowElements, type Source, type Visit } from './row-elements.js';
import { findTop, knownTop } from './row-top.js';
import { choose, write } from './scalars.js';
import type { Scope, SectionContext } from './section-context.js';
import { cutShort, gatherList, SHORT } from './short-list.js';
import { Survivors } from './survivors.js';
import type { Values } from './values.js';

/** Steps next to each other where each has much to compute: weights are exponentials. */
const FEW = 2;

type Cut = Value & { readonly kind: 'cut' };

export class Cuts {
  private workspace: Workspace | undefined;
  private left: Survivors | undefined;
  private readonly descent: RadixDescent;
  /** Of a cut by count: the largest of this thread, as a number or as a key. */
  private readonly most = new Map<ValueId, TileExpr & { readonly kind: 'name' }>();

  constructor(
    private readonly context: SectionContext,
    private readonly geometry: LaneGeometry,
    private readonly elements: RowElements,
    private readonly values: Values,
  ) {
    this.descent = new RadixDescent(context, elements);
  }

  /** What the cuts so far leave; undefined before the first. */
  get survivors(): Survivors | undefined {
    return this.left;
  }

  /** Declares the largest of this thread. */
  begin(id: ValueId): void {
    const fresh = this.fresh(`${this.wanted(id)}_most`);
    const number = this.elements.hasNumbers(this.source(id));
    const most = name(fresh, number ? 'f32' : 'i32') as TileExpr & { readonly kind: 'name' };
    this.most.set(id, most);
    const value = number ? literal(-Infinity, 'f32') : typed(i32(TAKEN));
    this.context.row.push({ kind: 'let', name: fresh, value });
  }

  accumulate(id: ValueId, scope: Scope): void {
    const most = this.most.get(id)!;
    const body: Statement[] = [];
    const { value, key } = this.elements.valuesAt(this.source(id), { ...scope, out: body });
    const take = most.dtype === 'f32' ? value : key;
    body.push(
      this.elements.each((at) => [
        { kind: 'assign', name: most.name, value: bits('max', most, take(at), most.dtype) },
      ]),
    );
    scope.out.push(...guarded(this.geometry.tailGuard(scope.tiles), body));
  }

  /** Finds the key and the position at which the leading elements end. */
  run(id: ValueId): void {
    const { context } = this;
    const cut = this.cut(id);
    const need = this.named('need', this.values.scalar(cut.need));
    const { key, end } = this.find(id, need);
    this.values.define(id, key);
    for (const value of context.section.values)
      if (value.kind === 'cut-end' && value.cut === id) this.values.define(value.id, end);
  }

  /** The statements that find a cut, and where it is. */
  find(id: ValueId, need: TileExpr): { readonly key: TileExpr; readonly end: TileExpr } {
    const { row } = this.context;
    const source = this.source(id);
    const space = this.space;
    const left = (this.left ??= new Survivors(this.context, space));
    const value = this.context.section.values[id]!;
    const served = value.kind === 'cut' && left.serve(value);
    if (!served) row.push(...left.lose());
    const key = this.declare(
      `${this.wanted(id)}_key`,
      i32(TAKEN),
      'every element leads until a cut is found',
    );
    const end = this.declare(`${this.wanted(id)}_end`, i32(NOWHERE));
    if (source.weight === undefined) {
      const some = compare('>', need, i32(0));
      const less = compare('<', need, i32(this.extent));
      const none: readonly Statement[] = [
        { kind: 'assign', name: key, value: i32(NOWHERE) },
        { kind: 'assign', name: end, value: i32(-1) },
      ];
      const body = this.byCount(id, source, { key, end }, need, left);
      row.push(...guarded(bits('&&', some, less, 'bool'), body), {
        kind: 'if',
        condition: compare('<=', need, i32(0)),
        then: none,
      });
    } else {
      const body = this.byMass(source, { key, end }, need, left, served);
      row.push(...guarded(compare('<', need, literal(1, 'f32')), body));
    }
    if (value.kind === 'cut') left.add(value, !served);
    return { key: name(key, 'i32'), end: name(end, 'i32') };
  }

  /** What `visit` makes of the key and the position of every leading element of a cut by count that was the last to be found. */
  everyLeading(
    id: ValueId,
    cut: { readonly key: TileExpr; readonly end: TileExpr },
    visit: (key: TileExpr, position: TileExpr) => readonly Statement[],
  ): readonly Statement[] {
    const take = ({ key, position }: Element): readonly Statement[] => {
      const last = bits('&&', compare('==', key, cut.key), compare('<=', position, cut.end), 'bool');
      return guarded(bits('||', compare('>', key, cut.key), last, 'bool'), visit(key, position));
    };
    const fromList = this.left!.walk(take);
    return [
      {
        kind: 'if',
        condition: this.left!.listed,
        then: [fromList],
        otherwise: this.elements.walk(this.source(id), take, { some: (key) => compare('>=', key, cut.key) }),
      },
    ];
  }

  /** No CTA leaves while another reads its shared memory: it meets the others once more, unless it does so anyway. */
  end(): void {
    const { row, lanes } = this.context;
    if (!this.workspace || lanes.cluster === 1) return;
    const last = row.findLastIndex(readsPeers);
    if (!row.slice(last + 1).some(({ kind }) => kind === 'cluster-barrier'))
      row.push({ kind: 'cluster-barrier' });
  }

  private byCount(
    id: ValueId,
    source: Source,
    cut: { readonly key: string; readonly end: string },
    need: TileExpr,
    left: Survivors,
  ): readonly Statement[] {
    const { context, space } = this;
    const most = this.most.get(id)!;
    const own = name(this.fresh('largest_key'), 'i32') as TileExpr & { readonly kind: 'name' };
    const wanted = this.fresh('wanted');
    const floor = this.fresh('floor');
    const least = name(floor, 'i32');
    const together = this.fresh('together');
    const topName = this.fresh('top');
    const top = name(topName, 'i32');
    const known = knownTop(context, this.values, source.operand, source.ascending);
    return [
      { kind: 'let', name: own.name, value: most.dtype === 'f32' ? orderKey(most, false) : most },
      { kind: 'let', name: wanted, value: wide(need) },
      ...(known ? [{ kind: 'let', name: topName, value: known } as const] : findTop(context, own, topName)),
      ...guarded(compare('>', own, i32(TAKEN)), this.descent.countBelow(space, own, top)),
      ...this.descent.search(space, wanted, false),
      {
        kind: 'let',
        name: floor,
        value: choose(compare('>', foundIn(space, 2), ZERO), this.descent.leastBelow(space, top), i32(TAKEN)),
        comment: 'as many elements as are wanted have keys from here on',
      },
      ...this.list(source, ({ key }) => compare('>=', key, least), {
        thread: compare('>=', own, least),
        vector: (key) => compare('>=', key, least),
      }),
      gatherList(context, space, false, together),
      this.among(source, cut, together, wanted, left),
    ];
  }

  /** The cut among `together` elements that were listed: all pairs of few, digits of many. */
  private among(
    source: Source,
    cut: { readonly key: string; readonly end: string },
    together: string,
    wanted: string,
    left: Survivors,
  ): Statement {
    const { context, space } = this;
    const masses = source.weight !== undefined;
    const length = name(together, 'i32');
    // Where there is no mass at all, all lead.
    const some = masses ? compare('>', foundIn(space, 2), ZERO) : undefined;
    return {
      kind: 'if',
      condition: compare('<=', length, i32(SHORT)),
      then: [
        ...cutShort(context, space, length, { wanted: name(wanted, 'i64'), masses }, cut),
        ...guarded(some, left.keepWhole(length)),
      ],
      otherwise: [...this.descent.descend(source, space, wanted, cut), ...guarded(some, [left.keep()])],
    };
  }

  private byMass(
    source: Source,
    cut: { readonly key: string; readonly end: string },
    share: TileExpr,
    left: Survivors,
    served: boolean,
  ): readonly Statement[] {
    const { names, lanes } = this.context;
    const { space } = this;
    const [own, total, together] = [names.fresh('mass'), names.fresh('total'), names.fresh('together')];
    const wanted = this.fresh('wanted');
    const light = this.fresh('least');
    const [sum, all, goal] = [name(own, 'i64'), name(total, 'i64'), name(wanted, 'i64')];
    const add: Visit = ({ mass }) => [{ kind: 'assign', name: own, value: arith('+', sum, wide(mass!)) }];
    const rest = bits('/', bits('-', all, goal, 'i64'), literal(this.extent, 'i64'), 'i64');
    const walk = this.elements.walk(source, add, { together: FEW });
    const heavy = (mass: TileExpr) => compare('>=', mass, name(light, 'i32'));
    const list: readonly Statement[] = [
      {
        kind: 'let',
        name: light,
        value: bits('max', castI32(rest), i32(1)),
        comment: 'lighter elements together weigh less than what is left over',
      },
      ...this.list(source, ({ mass }) => heavy(mass!), { vector: heavy }, FEW),
    ];
    const weigh =
      served &&
      left.walk((element, entry) =>
        this.elements.at(source, element, (each) => [write(space.masses, entry, each.mass!), ...add(each)]),
      );
    const { sums, share: meeting } = space;
    const totalOver = (cluster: number): readonly Statement[] => {
      const over = names.fresh('total_over');
      return [
        { kind: 'row-total', name: over, value: sum, sums, share: meeting, cluster, threads: lanes.threads },
        { kind: 'assign', name: total, value: name(over, 'i64') },
      ];
    };
    // A list that has all of the row is the same in every CTA: none asks another.
    const canBeWhole = served && lanes.cluster > 1;
    const weighAll: readonly Statement[] = canBeWhole
      ? [
          {
            kind: 'if',
            condition: left.isWhole,
            then: totalOver(1),
            otherwise: totalOver(lanes.cluster),
          },
        ]
      : totalOver(lanes.cluster);
    const gathered = names.fresh('gathered');
    return [
      { kind: 'let', name: own, value: ZERO },
      ...(weigh ? [{ kind: 'if', condition: left.listed, then: [weigh], otherwise: walk } as const] : walk),
      { kind: 'let', name: total, value: ZERO },
      ...weighAll,
      { kind: 'let', name: wanted, value: { kind: 'share-of', total: all, share, dtype: 'i64', width: 0 } },
      { kind: 'let', name: together, value: left.length },
      ...guarded(canBeWhole ? left.isPart : undefined, [
        ...(served ? guarded(left.lost, list) : list),
        gatherList(this.context, space, true, gathered),
        { kind: 'assign', name: together, value: name(gathered, 'i32') },
      ]),
      this.among(source, cut, together, wanted, left),
    ];
  }

  /** Puts the elements that pass a test in the CTA's list, and all that do not fit in none. */
  private list(
    source: Source,
    passes: (element: Element) => TileExpr,
    some: { readonly thread?: TileExpr; readonly vector: (largest: TileExpr) => TileExpr },
    together?: number,
  ): readonly Statement[] {
    const { space } = this;
    const put: Visit = (element) => {
      const slot = this.fresh('slot');
      const at = name(slot, 'i32');
      const stores: readonly Statement[] = [
        write(space.keys, at, element.key),
        write(space.places, at, element.position),
        ...(element.mass ? [write(space.masses, at, element.mass)] : []),
      ];
      return guarded(passes(element), [
        { kind: 'shared-add', to: space.count, index: i32(0), value: i32(1), result: slot },
        { kind: 'if', condition: compare('<', at, i32(LIST)), then: stores },
      ]);
    };
    return [
      ...guarded(compare('==', name('thread', 'i32'), i32(0)), [write(space.count, i32(0), i32(0))]),
      { kind: 'barrier' },
      ...guarded(
        some.thread,
        this.elements.walk(source, put, { some: some.vector, ...(together && { together }) }),
      ),
      { kind: 'barrier' },
    ];
  }

  private declare(wanted: string, value: TileExpr, comment?: string): string {
    const fresh = this.fresh(wanted);
    this.context.row.push({
      kind: 'let',
      name: fresh,
      value: typed(value),
      ...(comment !== undefined && { comment }),
    });
    return fresh;
  }

  private named(wanted: string, value: TileExpr): TileExpr {
    return value.kind === 'name' || value.kind === 'literal' ? value : this.context.bind(wanted, value);
  }

  private fresh(wanted: string): string {
    return this.context.names.fresh(wanted);
  }

  /** Elements of the row. */
  private get extent(): number {
    return this.context.lanes.axes[0]!.extent;
  }

  private wanted(id: ValueId): string {
    const value = this.context.section.values[id]!;
    return value.kind === 'cut' && value.weight !== undefined ? 'nucleus' : 'largest';
  }

  private get space(): Workspace {
    return (this.workspace ??= makeWorkspace(this.context));
  }

  private source(id: ValueId): Source {
    const value = this.context.section.values[id]!;
    if (value.kind === 'top') return { operand: value.operand, ascending: value.fn === 'bottom' };
    const { operand, weight } = this.cut(id);
    return { operand, ...(weight !== undefined && { weight }), ascending: false };
  }

  private cut(id: ValueId): Cut {
    const value = this.context.section.values[id]!;
    if (value.kind !== 'cut') throw new Error(`value ${id} is no cut`);
    return value;
  }
}

/** Statements that read the shared memory of other CTAs. */
const READS_PEERS: ReadonlySet<Statement['kind']> = new Set(['row-total', 'search-bins', 'gather-list']);

const readsPeers = (statement: Statement): boolean =>
  someWithin(statement, ({ kind }) => READS_PEERS.has(kind));
