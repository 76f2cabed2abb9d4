/** The typed form of a PTX module: what the parser makes and the lowering reads. */

import type { PtxText } from './lexer.js';

export interface PtxModule {
  readonly source: PtxText;
  readonly version: string;
  readonly target: string;
  /** `.file` table: number -> name. */
  readonly files: ReadonlyMap<number, string>;
  /** Module-scope variables: constants, globals, shared memory. */
  readonly variables: readonly PtxVariable[];
  readonly entries: readonly PtxEntry[];
}

export interface PtxVariable {
  readonly space: 'global' | 'const' | 'shared' | 'local' | 'param';
  readonly name: string;
  /** Bytes. */
  readonly align: number;
  /** Bytes; 0 for `.extern .shared x[]`, whose size the launch gives. */
  readonly bytes: number;
  readonly external: boolean;
  /** Initial contents, as long as `bytes`. */
  readonly contents?: Uint8Array;
  readonly line: number;
}

export interface PtxParameter {
  readonly name: string;
  /** Element type, such as `b8` or `u64`. */
  readonly type: string;
  readonly bytes: number;
  readonly align: number;
  /** Byte offset in the parameter buffer. */
  readonly offset: number;
}

export type Triple = readonly [number, number, number];

export interface PtxEntry {
  readonly name: string;
  readonly parameters: readonly PtxParameter[];
  readonly requiredThreads?: Triple;
  readonly maximumThreads?: Triple;
  readonly requiredCluster?: Triple;
  /** Register (or predicate) -> its type: `pred`, `b16`, `b32`, `b64`, `f32`, ... */
  readonly registers: ReadonlyMap<string, string>;
  readonly variables: readonly PtxVariable[];
  readonly body: readonly PtxStatement[];
  readonly line: number;
}

export type PtxStatement = PtxLabel | PtxInstruction | PtxTargets;

export interface PtxLabel {
  readonly kind: 'label';
  readonly name: string;
}

/** `name: .branchtargets a, b, c;` */
export interface PtxTargets {
  readonly kind: 'targets';
  readonly name: string;
  readonly labels: readonly string[];
}

/** A `.loc`: the line of the source the PTX was made from. */
export interface SourceLine {
  readonly file: string;
  readonly line: number;
}

export interface PtxInstruction {
  readonly kind: 'instruction';
  /** First word, such as `ld`. */
  readonly opcode: string;
  /** The words after it, such as `global`, `v4`, `b32`. */
  readonly modifiers: readonly string[];
  readonly guard?: { readonly register: string; readonly negated: boolean };
  readonly operands: readonly PtxOperand[];
  /** 1-based PTX line, and the offset of the opcode. */
  readonly line: number;
  readonly at: number;
  readonly source?: SourceLine;
}

export type PtxOperand =
  | { readonly kind: 'register'; readonly name: string }
  | { readonly kind: 'special'; readonly name: string }
  | { readonly kind: 'not'; readonly register: string }
  /** An integer of up to 64 bits. */
  | { readonly kind: 'integer'; readonly value: bigint }
  /** A float literal, by its bits. */
  | { readonly kind: 'float'; readonly bits: bigint; readonly width: 32 | 64 }
  | { readonly kind: 'symbol'; readonly name: string; readonly offset: number }
  | { readonly kind: 'vector'; readonly items: readonly PtxOperand[] }
  /** `[base + offset]`, and `[base, {c0, c1}]` of tensor copies. */
  | {
      readonly kind: 'memory';
      readonly base: { readonly kind: 'register' | 'symbol'; readonly name: string } | undefined;
      readonly offset: number;
      readonly coordinates?: readonly PtxOperand[];
    }
  /** `d|p`: a result and a predicate result. */
  | { readonly kind: 'both'; readonly first: PtxOperand; readonly second: PtxOperand }
  /** `_`: a result that is dropped. */
  | { readonly kind: 'sink' };
