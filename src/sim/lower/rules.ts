/** The shape of an instruction rule, and small texts that several rules share. */

import type { PtxInstruction } from '../ptx/ast.js';
import type { Builder, Pair } from './builder.js';
import type { Modifiers } from './modifiers.js';

/** Turns one instruction into operations of the builder. */
export type Rule = (b: Builder, m: Modifiers, instruction: PtxInstruction) => void;
export type Rules = Readonly<Record<string, Rule>>;

/** A word as an integer of `type`: narrow types are sign- or zero-extended. */
export function extend(text: string, type: string): string {
  switch (type) {
    case 's8':
      return `(${text}<<24>>24)`;
    case 'u8':
    case 'b8':
      return `(${text}&255)`;
    case 's16':
      return `(${text}<<16>>16)`;
    case 'u16':
    case 'b16':
    case 'f16':
    case 'bf16':
      return `(${text}&65535)`;
    default:
      return text;
  }
}

export const isSigned = (type: string): boolean => type.startsWith('s');
export const is64 = (type: string): boolean => type.endsWith('64');
export const width = (type: string): number => Number(/\d+/.exec(type)![0]);

/** A word in a register of `bits`: 16-bit registers are kept zero-extended. */
export function fit(text: string, bits: number): string {
  return bits === 16 ? `(${text})&65535` : `(${text})|0`;
}

export function add64(a: Pair, b: Pair): { before: string; lo: string; hi: string } {
  return {
    before: `x=(${a.lo}+${b.lo})|0;`,
    lo: 'x',
    hi: `(${a.hi}+${b.hi}+((x>>>0)<(${a.lo}>>>0)?1:0))|0`,
  };
}

/** Subnormal inputs count as zero, with their sign. */
export function flushed(text: string, ftz: boolean): string {
  return ftz ? `(${text}<1.1754943508222875e-38&&${text}>-1.1754943508222875e-38?${text}*0:${text})` : text;
}
