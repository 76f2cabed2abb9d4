/**
 * Blocks that jump -> nested labelled statements.
 *
 * After N. Ramsey, "Beyond Relooper" (ICFP 2022): a block that several forward jumps reach becomes the statement after a
 * labelled block that they break out of; a block that is jumped back to becomes a loop. A graph that is not reducible
 * becomes a loop around a switch.
 */

export interface Flow {
  readonly entry: number;
  /** Successors inside the region. */
  successors(block: number): readonly number[];
  /** Text of a block's operations. */
  body(block: number): string;
  /** Text of a block's end, given how to reach a successor. */
  end(block: number, jump: (to: number) => string): string;
  /** Text at the head of the loop that a block begins. */
  loopHead(block: number): string;
}

export function structured(flow: Flow): string {
  const order = reversePostorder(flow);
  const position = new Map(order.map((block, n) => [block, n]));
  const at = (block: number): number => position.get(block)!;
  const predecessors = new Map<number, number[]>(order.map((block) => [block, []]));
  for (const block of order) for (const to of flow.successors(block)) predecessors.get(to)!.push(block);
  const dominator = dominators(order, predecessors, at);
  const dominates = (a: number, b: number): boolean => {
    for (let node = b; ; node = dominator.get(node)!) {
      if (node === a) return true;
      if (node === order[0]) return false;
    }
  };
  const back = (from: number, to: number): boolean => at(to) <= at(from);
  for (const block of order)
    for (const to of flow.successors(block))
      if (back(block, to) && !dominates(to, block)) return switched(flow, order);

  const isLoop = (block: number): boolean => predecessors.get(block)!.some((from) => back(from, block));
  const isMerge = (block: number): boolean =>
    predecessors.get(block)!.filter((from) => !back(from, block)).length > 1;
  const merges = new Map<number, number[]>();
  for (const block of order.slice(1)) {
    if (!isMerge(block)) continue;
    const parent = dominator.get(block)!;
    merges.set(parent, [block, ...(merges.get(parent) ?? [])]);
  }
  const tree = (block: number): string => {
    const inner = within(block, merges.get(block) ?? []);
    return isLoop(block) ? `L${block}:for(;;){${flow.loopHead(block)}\n${inner}}\n` : inner;
  };
  const within = (block: number, after: readonly number[]): string => {
    const [next, ...rest] = after;
    if (next !== undefined) return `B${next}:{\n${within(block, rest)}}\n${tree(next)}`;
    const jump = (to: number): string =>
      back(block, to) ? `continue L${to};` : isMerge(to) ? `break B${to};` : tree(to);
    return flow.body(block) + flow.end(block, jump);
  };
  return tree(flow.entry);
}

function reversePostorder(flow: Flow): number[] {
  const seen = new Set<number>([flow.entry]);
  const order: number[] = [];
  const stack = [{ block: flow.entry, next: [...flow.successors(flow.entry)] }];
  while (stack.length) {
    const top = stack.at(-1)!;
    const to = top.next.pop();
    if (to === undefined) {
      order.push(top.block);
      stack.pop();
    } else if (!seen.has(to)) {
      seen.add(to);
      stack.push({ block: to, next: [...flow.successors(to)] });
    }
  }
  return order.reverse();
}

/** Immediate dominators (Cooper, Harvey and Kennedy's iteration). */
function dominators(
  order: readonly number[],
  predecessors: ReadonlyMap<number, readonly number[]>,
  at: (block: number) => number,
): Map<number, number> {
  const found = new Map<number, number>([[order[0]!, order[0]!]]);
  const meet = (a: number, b: number): number => {
    let [x, y] = [a, b];
    while (x !== y) {
      while (at(x) > at(y)) x = found.get(x)!;
      while (at(y) > at(x)) y = found.get(y)!;
    }
    return x;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const block of order.slice(1)) {
      const known = predecessors.get(block)!.filter((from) => found.has(from));
      const best = known.reduce((a, b) => meet(a, b));
      if (found.get(block) !== best) {
        found.set(block, best);
        changed = true;
      }
    }
  }
  return found;
}

function switched(flow: Flow, order: readonly number[]): string {
  const cases = order.map((block) => {
    const jump = (to: number): string => `b=${to};continue S;`;
    return `case ${block}:{${flow.body(block)}${flow.end(block, jump)}}`;
  });
  return `let b=${flow.entry};S:for(;;){${flow.loopHead(flow.entry)}\nswitch(b){\n${cases.join('\n')}\n}}\n`;
}
