/**
 * `Program` -> JavaScript source: one function for each stretch between points where threads stop.
 *
 * A stretch starts at the kernel's entry or after a point and runs, thread by thread, to the next point or the end. Slots
 * that live on are kept in typed arrays, one word a thread (`v7[g]`); everything else is a local.
 */

import type { Block, Operation, Program } from '../program.js';
import { analyse, successors } from './analysis.js';
import type { Analysis } from './analysis.js';
import { structured } from './structure.js';
import { watchUndefined } from './undefined.js';

export interface Generated {
  readonly source: string;
  /** Slots kept in arrays, and whether as floats. */
  readonly kept: ReadonlyMap<number, 'i' | 'f' | 'p'>;
  /** Block that each stretch starts with; index 0 is the entry, n + 1 follows point n. */
  readonly stretches: number;
}

/** Where a thread is that has ended. */
export const ENDED = -1;

/** @param profile count every thread's visits to every block */
export function generate(lowered: Program, names: readonly string[], profile = false): Generated {
  const program = watchUndefined(lowered);
  const analysis = analyse(program);
  const kept = new Map<number, 'i' | 'f' | 'p'>();
  const entries = [0, ...program.points.map((point) => afterPoint(program.blocks, point.id))];
  const functions = entries.map((entry, n) =>
    new Stretch(program, analysis, entry, kept, profile).text(`q${n}`),
  );
  const arrays = [...kept.keys()].map((slot) => `v${slot}=K.get(${slot})`);
  const points = program.points.flatMap(({ id, inputs, outputs }) => [
    ...Array.from({ length: inputs }, (_, n) => `a${id}_${n}=A[${id}].inputs[${n}]`),
    ...Array.from({ length: outputs }, (_, n) => `r${id}_${n}=A[${id}].outputs[${n}]`),
    `m${id}=A[${id}].met`,
  ]);
  const bindings = [...arrays, ...points];
  const source = [
    '"use strict";',
    `const {${names.join(',')}}=E;`,
    bindings.length ? `const ${bindings.join(',')};` : '',
    ...functions,
    `return [${functions.map((_, n) => `q${n}`).join(',')}];`,
  ].join('\n');
  return { source, kept, stretches: functions.length };
}

function afterPoint(blocks: readonly Block[], point: number): number {
  for (const { end } of blocks) if (end.kind === 'sync' && end.point === point) return end.to;
  throw new Error(`no block ends at point ${point}`);
}

class Stretch {
  readonly #blocks = new Set<number>();
  readonly #used = new Set<number>();
  readonly #written = new Set<number>();
  readonly #exits: { point: number; to: number }[] = [];

  constructor(
    readonly program: Program,
    readonly analysis: Analysis,
    readonly entry: number,
    readonly kept: Map<number, 'i' | 'f' | 'p'>,
    readonly profile: boolean,
  ) {
    const queue = [entry];
    for (let block = queue.pop(); block !== undefined; block = queue.pop()) {
      if (this.#blocks.has(block)) continue;
      this.#blocks.add(block);
      const { operations, end } = program.blocks[block]!;
      for (const { uses, guard, definitions } of operations) {
        for (const { slot } of uses) this.#used.add(slot);
        if (guard) this.#used.add(guard.slot);
        for (const { slot } of definitions) this.#written.add(slot);
      }
      if (end.kind === 'branch') this.#used.add(end.guard.slot);
      if (end.kind === 'switch') this.#used.add(end.slot);
      if (end.kind === 'sync') this.#exits.push({ point: end.point, to: end.to });
      else queue.push(...successors(end));
    }
  }

  text(name: string): string {
    const { analysis } = this;
    const leaving = new Set(this.#exits.flatMap(({ to }) => [...analysis.liveIn[to]!]));
    const entering = [...analysis.liveIn[this.entry]!].filter(
      (slot) => this.#used.has(slot) || (this.#written.has(slot) && leaving.has(slot)),
    );
    const loads = entering.map((slot) => this.#load(slot)).join('');
    const body = structured({
      entry: this.entry,
      successors: (block) => {
        const { end } = this.program.blocks[block]!;
        return end.kind === 'sync' ? [] : successors(end);
      },
      body: (block) => {
        const text = this.program.blocks[block]!.operations.map((operation) =>
          this.#operation(operation),
        ).join('');
        return this.profile ? `BV[${block}*BN+g]++;${text}` : text;
      },
      end: (block, jump) => this.#end(block, jump),
      loopHead: (block) => `if(--W[1]<0)OF(g,${this.#instructionOf(block)});`,
    });
    const hoisted = this.#hoisted();
    const locals = this.#locals();
    return [
      `function ${name}(L,n,base,cb,sb){`,
      'let k=0,x=0,y=0,z=0,u=0.5,v=0.5,w=0.5,m=0.5,s=NS;',
      hoisted.cta,
      'T:for(let j=0;j<n;j++){const t=L[j],g=base+t;',
      locals.length ? `let ${locals.join(',')};` : '',
      hoisted.thread,
      loads,
      body,
      '}}',
    ].join('\n');
  }

  /** The first instruction at or after the start of a block; -1 where it does nothing. */
  #instructionOf(block: number): number {
    return this.program.blocks[block]!.operations[0]?.instruction ?? -1;
  }

  /** Constants that the stretch reads: those of a CTA before the loop over threads, those of a thread inside. */
  #hoisted(): { cta: string; thread: string } {
    const operations = new Set<Operation>();
    for (const slot of this.#used) {
      const operation = this.analysis.constants.get(slot);
      if (operation) operations.add(operation);
    }
    let cta = '';
    let thread = '';
    for (const operation of operations) {
      const text = this.#text(operation);
      if (operation.constant === 'cta') {
        const names = operation.definitions.flatMap(({ slot }) => this.#names(slot));
        if (names.length) cta += `let ${names.join(',')};${text}`;
      } else thread += text;
    }
    return { cta, thread };
  }

  #names(slot: number): string[] {
    const { analysis } = this;
    if (analysis.isPredicate(slot)) return [`p${slot}=0`];
    const names: string[] = [];
    if (analysis.wantsInteger(slot)) names.push(`i${slot}=0`);
    if (analysis.wantsFloat(slot)) names.push(`f${slot}=0.5`);
    return names;
  }

  #locals(): string[] {
    const slots = new Set([...this.#used, ...this.#written]);
    return [...slots]
      .filter((slot) => this.analysis.constants.get(slot)?.constant !== 'cta')
      .flatMap((slot) => this.#names(slot));
  }

  #load(slot: number): string {
    const how = this.analysis.kept(slot);
    if (how === undefined) return '';
    this.kept.set(slot, how);
    const first = `${how}${slot}=v${slot}[g];`;
    if (how === 'i' && this.analysis.wantsFloat(slot)) return `${first}I0[0]=i${slot};f${slot}=F0[0];`;
    if (how === 'f' && this.analysis.wantsInteger(slot)) return `${first}${bitsOf(`i${slot}`, `f${slot}`)}`;
    return first;
  }

  #end(block: number, jump: (to: number) => string): string {
    const { end } = this.program.blocks[block]!;
    switch (end.kind) {
      case 'jump':
        return jump(end.to);
      case 'branch': {
        const { slot, negated } = end.guard;
        return `if(p${slot}${negated ? '===0' : '!==0'}){${jump(end.yes)}}else{${jump(end.no)}}`;
      }
      case 'switch': {
        const cases = end.to.map((to, n) =>
          n === end.to.length - 1 ? '' : `if(i${end.slot}===${n}){${jump(to)}}else `,
        );
        return `${cases.join('')}{${jump(end.to.at(-1)!)}}`;
      }
      case 'exit':
        return `at[g]=${ENDED};continue T;\n`;
      case 'sync': {
        const stores = [...this.analysis.liveIn[end.to]!].filter((slot) => this.#written.has(slot));
        return `${stores.map((slot) => this.#store(slot)).join('')}at[g]=${end.point};continue T;\n`;
      }
    }
  }

  #store(slot: number): string {
    const how = this.analysis.kept(slot);
    if (how === undefined) return '';
    this.kept.set(slot, how);
    return `v${slot}[g]=${how}${slot};`;
  }

  #operation(operation: Operation): string {
    if (
      operation.constant === 'cta' &&
      operation.definitions.every(({ slot }) => this.analysis.constants.has(slot))
    )
      return '';
    const text = this.#text(operation);
    if (!operation.guard || text === '') return `${text}\n`;
    const { slot, negated } = operation.guard;
    return `if(p${slot}${negated ? '===0' : '!==0'}){${text}}\n`;
  }

  #text(operation: Operation): string {
    const { before, definitions, after } = operation;
    const start = typeof before === 'string' ? before : before((slot) => this.analysis.held(slot));
    return start + this.#definitions(definitions) + after;
  }

  #definitions(definitions: Operation['definitions']): string {
    const clash = definitions.some((definition, n) =>
      definitions
        .slice(n + 1)
        .some(({ i, f, p }) => new RegExp(`\\b[ifp]${definition.slot}\\b`).test(`${i} ${f} ${p}`)),
    );
    if (!clash) return definitions.map((definition) => this.#definition(definition)).join('');
    // A later definition reads a slot that an earlier one writes: all values are taken first.
    const values: string[] = [];
    const held = definitions.map((definition, n) => {
      const copy = { slot: definition.slot } as { slot: number; i?: string; f?: string; p?: string };
      for (const how of ['i', 'f', 'p'] as const) {
        const text = definition[how];
        if (text === undefined) continue;
        if (
          how !== 'p' &&
          definition.i !== undefined &&
          definition.f !== undefined &&
          !this.#wanted(definition.slot, how)
        )
          continue;
        values.push(`${how}_${n}=${text}`);
        copy[how] = `${how}_${n}`;
      }
      return copy;
    });
    return `{const ${values.join(',')};${held.map((definition) => this.#definition(definition)).join('')}}`;
  }

  #wanted(slot: number, how: 'i' | 'f'): boolean {
    return how === 'i' ? this.analysis.wantsInteger(slot) : this.analysis.wantsFloat(slot);
  }

  #definition({ slot, i, f, p }: Operation['definitions'][number]): string {
    if (p !== undefined) return `p${slot}=${p};`;
    const integer = this.analysis.wantsInteger(slot);
    const float = this.analysis.wantsFloat(slot);
    if (i !== undefined && f !== undefined)
      return (integer ? `i${slot}=${i};` : '') + (float ? `f${slot}=${f};` : '');
    if (i !== undefined) {
      if (integer) return `i${slot}=${i};${float ? `I0[0]=i${slot};f${slot}=F0[0];` : ''}`;
      return float ? `I0[0]=${i};f${slot}=F0[0];` : '';
    }
    if (float) return `f${slot}=${f!};${integer ? bitsOf(`i${slot}`, `f${slot}`) : ''}`;
    return integer ? `u=${f!};${bitsOf(`i${slot}`, 'u')}` : '';
  }
}

/** Statements that leave the bits of float `from` in `into`, with the canonical NaN. */
function bitsOf(into: string, from: string): string {
  return `F0[0]=${from};${into}=${from}===${from}?I0[0]:2147483647;`;
}
