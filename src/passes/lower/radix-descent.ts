/**
 * The key and the position at which a wanted sum of elements, or of their masses, is reached -> a loop over digits.
 *
 * Elements are counted, or their masses added up, in bins by a digit of their key; the bin in which the sum is reached, from the
 * highest down, gives the digit, and the next one is looked for among its elements. Of elements with the key that is found,
 * positions are cut the same way. A count ends early where all elements of a bin are wanted; masses do not, as a bin may also hold
 * elements without any, which come after those that are wanted.
 */

import { arith, compare, guarded, i32, literal, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { BINS, foundIn, LIST, overList, ZERO, type Workspace } from './cut-workspace.js';
import { bits, castI32, either, flipped, NOWHERE, TAKEN, typed } from './integers.js';
import { addMass, upperShift } from './mass-bins.js';
import type { Element, RowElements, Source, Visit } from './row-elements.js';
import { choose, read } from './scalars.js';
import type { SectionContext } from './section-context.js';

/** Bits of a digit. */
const DIGIT = 11;
/** Digits of a key, of 11, 11 and 10 bits, and of a position. */
const OF_KEY = 3;
const OF_POSITION = 2;
/** Bits of a position that is counted down, so that lower ones come first. */
const POSITION = 2 ** (OF_POSITION * DIGIT) - 1;

export class RadixDescent {
  constructor(
    private readonly context: SectionContext,
    private readonly elements: RowElements,
  ) {}

  /** Assigns `key` and `end`. Elements are those of the CTA's list where it is complete, else those of its part of the row. */
  descend(
    source: Source,
    space: Workspace,
    wanted: string,
    cut: { readonly key: string; readonly end: string },
  ): readonly Statement[] {
    const { names } = this.context;
    const i32Name = (what: string) => name(names.fresh(what), 'i32') as TileExpr & { kind: 'name' };
    const [prefix, known, step] = [i32Name('prefix'), i32Name('known'), i32Name('digit')];
    const [shift, mask, listed] = [i32Name('shift'), i32Name('mask'), i32Name('listed')];
    const inside = name(names.fresh('inside'), 'i64') as TileExpr & { kind: 'name' };
    const goal = name(wanted, 'i64');
    const ofKey = compare('<', step, i32(OF_KEY));
    const masses = source.weight !== undefined;
    const visit: Visit = (each) => {
      const word = i32Name('word');
      const same = compare('==', bits('&', bits('^', word, prefix), known), i32(0));
      const among = bits('||', ofKey, compare('==', each.key, name(cut.key, 'i32')), 'bool');
      const own = choose(ofKey, flipped(each.key), arith('-', i32(POSITION), each.position));
      return [
        { kind: 'let', name: word.name, value: own },
        ...guarded(
          bits('&&', among, same, 'bool'),
          this.add(space, bits('&', bits('>>', word, shift), mask), each.mass),
        ),
      ];
    };
    const fromList = overList(this.context, listed, (entry) => visit(listedElement(space, entry, masses)));
    const some = compare('>', inside, ZERO);
    const begun = compare('!=', name(cut.end, 'i32'), i32(NOWHERE));
    const goesOn = [compare('>', inside, goal), begun].reduce(either, ofKey);
    const body: readonly Statement[] = [
      {
        kind: 'let',
        name: shift.name,
        value: bits(
          'max',
          arith('-', choose(ofKey, i32(21), i32(DIGIT * (OF_KEY + 1))), arith('*', step, i32(DIGIT))),
          i32(0),
        ),
      },
      {
        kind: 'let',
        name: mask.name,
        value: choose(compare('==', step, i32(OF_KEY - 1)), i32(1023), i32(BINS - 1)),
      },
      {
        kind: 'if',
        condition: compare('<=', listed, i32(LIST)),
        then: [fromList],
        otherwise: this.elements.walk(source, visit, { together: 1 }),
      },
      ...this.search(space, wanted, masses),
      {
        kind: 'assign',
        name: prefix.name,
        value: bits('|', prefix, bits('<<', castI32(foundIn(space, 0)), shift)),
      },
      { kind: 'assign', name: wanted, value: bits('-', goal, foundIn(space, 1), 'i64') },
      { kind: 'assign', name: inside.name, value: foundIn(space, 2) },
      { kind: 'assign', name: known.name, value: bits('<<', typed(i32(-1)), shift) },
      {
        kind: 'if',
        condition: ofKey,
        then: [{ kind: 'assign', name: cut.key, value: choose(some, flipped(prefix), i32(TAKEN)) }],
        otherwise: [
          {
            kind: 'assign',
            name: cut.end,
            value: choose(some, arith('-', i32(POSITION), prefix), i32(NOWHERE)),
          },
        ],
      },
      {
        kind: 'if',
        condition: compare('==', step, i32(OF_KEY - 1)),
        then: [
          { kind: 'assign', name: prefix.name, value: typed(i32(0)) },
          { kind: 'assign', name: known.name, value: typed(i32(0)) },
        ],
        comment: 'where not all elements with this key lead, the lower positions do',
      },
    ];
    return [
      { kind: 'let', name: listed.name, value: read(space.count, i32(0)) },
      { kind: 'let', name: inside.name, value: bits('+', goal, literal(1, 'i64'), 'i64') },
      { kind: 'let', name: prefix.name, value: typed(i32(0)) },
      {
        kind: 'let',
        name: known.name,
        value: typed(i32(0)),
        comment: 'bits of the word that are found already',
      },
      {
        kind: 'loop',
        variable: step.name,
        begin: i32(0),
        end: i32(OF_KEY + OF_POSITION),
        step: i32(1),
        unroll: 1,
        body: [{ kind: 'if', condition: masses ? goesOn : compare('>', inside, goal), then: body }],
      },
    ];
  }

  /** Looks for the bin of the sum `wanted`, and turns to the other bins. */
  search(space: Workspace, wanted: string, masses: boolean): readonly Statement[] {
    const { cluster, threads, axes } = this.context.lanes;
    const { bins, sums, found } = space;
    const upper = masses ? upperShift(axes[0]!.extent) : 0;
    const phase = name(space.phase, 'i32');
    const need = name(wanted, 'i64');
    return [
      { kind: 'search-bins', bins, sums, found, phase, need, upper, cluster, threads },
      { kind: 'assign', name: space.phase, value: arith('-', i32(1), phase) },
    ];
  }

  /** Counts a key in its bin below the largest, `top`. */
  countBelow(space: Workspace, key: TileExpr, top: TileExpr): readonly Statement[] {
    return this.add(space, { kind: 'gap-bin', operand: key, top, dtype: 'i32', width: 0 }, undefined);
  }

  /** The least key of the bin that was found below the largest. */
  leastBelow(space: Workspace, top: TileExpr): TileExpr {
    return { kind: 'gap-key', operand: castI32(foundIn(space, 0)), top, dtype: 'i32', width: 0 };
  }

  /** Adds 1, or a mass, to a bin of the present phase. */
  private add(space: Workspace, bin: TileExpr, mass: TileExpr | undefined): readonly Statement[] {
    const index = arith('+', arith('*', name(space.phase, 'i32'), i32(2 * BINS)), bin);
    if (!mass) return [{ kind: 'shared-add', to: space.bins, index, value: i32(1) }];
    const { names, lanes } = this.context;
    return addMass(space.bins, index, mass, lanes.axes[0]!.extent, () => names.fresh('before'));
  }
}

const listedElement = (space: Workspace, entry: TileExpr, masses: boolean): Element => ({
  key: read(space.keys, entry),
  position: read(space.places, entry),
  ...(masses && { mass: read(space.masses, entry) }),
});
