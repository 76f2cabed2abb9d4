/** Checks the invariants of both forms of the IR. A broken one is a defect of a pass, never of a spec. */

import { size, modesOf } from '../layout/index.js';
import { RoseError } from '../util/errors.js';
import { operands, partsOf, storeOperands, type Kernel, type Section } from './kernel.js';
import { expressionsOf, type Statement, type TileExpr } from './tile.js';

/** @throws IR_INVALID naming the pass after which the invariant is broken. */
export function verify(kernel: Kernel, after: string): void {
  const fail = (section: Section, actual: string, expected: string): never => {
    throw new RoseError({
      code: 'IR_INVALID',
      message: `${kernel.name}${section.name === '' ? '' : `, section ${section.name}`}: broken IR after ${after}`,
      actual,
      expected,
      next: 'report this with the spec: it is a defect of the compiler',
    });
  };
  const tensors = new Set(kernel.tensors.map((tensor) => tensor.name));
  for (const section of kernel.sections) {
    for (const part of partsOf(section)) {
      verifyGraph(part, tensors, (actual, expected) => fail(section, actual, expected));
      if (part.tables)
        verifyGraph(part.tables, tensors, (actual, expected) => fail(section, actual, expected));
      verifyLanes(part, (actual, expected) => fail(section, actual, expected));
      verifyCarried(part, (actual, expected) => fail(section, actual, expected));
    }
    if (section.body)
      new BodyVerifier(kernel, (actual, expected) => fail(section, actual, expected)).run(section.body);
  }
}

type Fail = (actual: string, expected: string) => never;

function verifyGraph(section: Section, tensors: ReadonlySet<string>, fail: Fail): void {
  section.values.forEach((value, i) => {
    if (value.id !== i) fail(`value ${value.id} at place ${i}`, 'values numbered in order');
    for (const id of operands(value))
      if (id >= i) fail(`value ${i} reads value ${id}`, 'operands before their users');
    if (value.kind === 'load' && !tensors.has(value.access.tensor))
      fail(`a load of ${value.access.tensor}`, 'a declared tensor');
    if (value.kind === 'compare' && value.dtype !== 'bool')
      fail(`a comparison of dtype ${value.dtype}`, 'bool');
    if (value.kind === 'reduce') {
      const axes = section.values[value.operand]!.axes;
      for (const axis of value.over)
        if (value.axes.includes(axis))
          fail(`value ${i} over ${axis} varies over it`, 'a reduced axis is gone');
      if (axes.length === 0) fail(`value ${i} reduces a scalar`, 'an operand with axes');
    }
  });
  for (const store of section.stores) {
    for (const id of storeOperands(store))
      if (id >= section.values.length) fail(`a store of value ${id}`, 'a value of the section');
    if (!tensors.has(store.access.tensor)) fail(`a store to ${store.access.tensor}`, 'a declared tensor');
  }
}

/** The next part finds each value that it is handed, of the same dtype. */
function verifyCarried(section: Section, fail: Fail): void {
  for (const value of section.then?.values ?? []) {
    if (value.kind !== 'carried') continue;
    const from = section.values[section.carries?.[value.place] ?? -1];
    if (from?.dtype !== value.dtype)
      fail(`value ${value.id} carried from place ${value.place}`, 'a value of the part before');
  }
}

function verifyLanes(section: Section, fail: Fail): void {
  const { lanes, schedule } = section;
  if (!lanes || !schedule) return;
  const [threads, vector, ...tiles] = modesOf(lanes.layout);
  if (size(threads!) !== schedule.threadsPerRow)
    fail(`a layout for ${size(threads!)} threads`, `${schedule.threadsPerRow} threads a row`);
  if (size(vector!) !== schedule.vector) fail(`a vector mode of ${size(vector!)}`, `${schedule.vector}`);
  if (tiles.length !== lanes.tiles.length) fail(`${tiles.length} tile modes`, `${lanes.tiles.length}`);
  const covered = size(lanes.layout) * lanes.cluster;
  const wanted = lanes.axes.reduce((product, axis) => product * axis.extent, 1);
  const mayExceed = lanes.tail !== undefined || lanes.partial;
  if (covered < wanted || (!mayExceed && covered !== wanted))
    fail(`a layout of ${covered} elements`, `${wanted} elements a row`);
}

/** Names are defined before they are used, and each once; stores fit what they write to. */
class BodyVerifier {
  private readonly defined = new Set<string>();
  private readonly ranks = new Map<string, number>();

  constructor(
    kernel: Kernel,
    private readonly fail: Fail,
  ) {
    ['thread', 'cta', ...kernel.scalars.map((scalar) => scalar.name)].forEach((name) =>
      this.defined.add(name),
    );
    kernel.shared.forEach((region) => this.ranks.set(region.name, 1));
  }

  run(body: readonly Statement[]): void {
    body.forEach((statement) => this.statement(statement));
  }

  private statement(statement: Statement): void {
    switch (statement.kind) {
      case 'let':
        this.expr(statement.value);
        this.define(statement.name);
        return;
      case 'assign':
        this.expr(statement.value);
        if (!this.defined.has(statement.name))
          this.fail(`an assignment to ${statement.name}`, 'a name defined before');
        return;
      case 'fragment':
        this.rank(statement.name, statement.shape.length);
        return;
      case 'shared-fragment':
      case 'view':
        if (statement.kind === 'view' && statement.offset) this.expr(statement.offset);
        this.rank(statement.name, modesOf(statement.layout).length);
        return;
      case 'store':
        this.coordinates(statement.to, statement.at.length);
        statement.at.forEach((at) => at.kind === 'at' && this.expr(at.index));
        this.expr(statement.value);
        if (statement.at.some((at) => at.kind === 'vector') !== statement.value.width > 0) {
          this.fail(
            `a store of width ${statement.value.width} to ${statement.to}`,
            'a vector exactly where the vector mode is written',
          );
        }
        return;
      case 'cluster-store':
        this.coordinates(statement.to, 1);
        [statement.index, statement.value].forEach((expr) => this.expr(expr));
        return;
      case 'shared-add':
        this.coordinates(statement.to, 1);
        [statement.index, statement.value].forEach((expr) => this.expr(expr));
        if (statement.result !== undefined) this.define(statement.result);
        return;
      case 'row-total':
        [statement.sums, statement.share].forEach((region) => this.coordinates(region, 1));
        this.expr(statement.value);
        this.define(statement.name);
        return;
      case 'gather-list':
        [...statement.parts, statement.count].forEach((region) => this.coordinates(region, 1));
        this.define(statement.name);
        return;
      case 'search-bins':
        [statement.bins, statement.sums, statement.found].forEach((region) => this.coordinates(region, 1));
        [statement.phase, statement.need].forEach((expr) => this.expr(expr));
        return;
      case 'unroll':
        this.define(statement.variable);
        this.run(statement.body);
        this.defined.delete(statement.variable);
        return;
      case 'loop':
        [statement.begin, statement.end, statement.step].forEach((expr) => this.expr(expr));
        this.define(statement.variable);
        this.run(statement.body);
        this.defined.delete(statement.variable);
        return;
      case 'if':
        this.expr(statement.condition);
        if (statement.condition.dtype !== 'bool' || statement.condition.width > 0)
          this.fail('a branch on a vector', 'a scalar bool');
        this.run(statement.then);
        this.run(statement.otherwise ?? []);
        return;
      case 'prefetch':
        this.coordinates(statement.of, statement.at.length);
        statement.at.forEach((at) => at.kind === 'at' && this.expr(at.index));
        return;
      case 'barrier':
      case 'warp-barrier':
      case 'cluster-barrier':
      case 'dependent-wait':
      case 'dependent-launch':
        return;
      default:
        statement satisfies never;
    }
  }

  private define(name: string): void {
    if (this.defined.has(name)) this.fail(`${name} defined twice`, 'each name once');
    this.defined.add(name);
  }

  private rank(name: string, rank: number): void {
    if (this.ranks.has(name)) this.fail(`${name} declared twice`, 'each name once');
    this.ranks.set(name, rank);
  }

  private coordinates(of: string, count: number): void {
    const rank = this.ranks.get(of);
    if (rank === undefined) this.fail(`an element of ${of}`, 'a declared fragment or view');
    if (rank !== count) this.fail(`${count} coordinates for ${of}`, `${rank}`);
  }

  private expr(expr: TileExpr): void {
    if (expr.kind === 'name' && !this.defined.has(expr.name))
      this.fail(`a use of ${expr.name}`, 'a name defined before');
    if (expr.kind === 'element') this.coordinates(expr.of, expr.at.length);
    expressionsOf(expr).forEach((inner) => this.expr(inner));
  }
}
