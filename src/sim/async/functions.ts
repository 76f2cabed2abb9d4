/** What generated code calls for asynchronous copies and mbarriers. Addresses of shared memory are a word, of global two. */

export interface AsyncFunctions {
  CA(to: number, hi: number, lo: number, bytes: number, source: number, g: number, instruction: number): void;
  CC(g: number): void;
  CW(g: number, keep: number): void;
  MI(address: number, count: number, g: number, instruction: number): void;
  MV(address: number, g: number, instruction: number): void;
  MA(address: number, count: number, bytes: number, drop: number, g: number, instruction: number): number;
  MX(address: number, bytes: number, g: number, instruction: number): void;
  CM(address: number, noinc: number, g: number, instruction: number): void;
  SY(to: number, barrier: number, words: readonly number[], g: number, instruction: number): void;
  BL(
    to: number,
    hi: number,
    lo: number,
    bytes: number,
    barrier: number,
    mask: number,
    g: number,
    instruction: number,
  ): void;
  BS(hi: number, lo: number, from: number, bytes: number, g: number, instruction: number): void;
  BD(to: number, from: number, bytes: number, barrier: number, g: number, instruction: number): void;
  TL(
    to: number,
    hi: number,
    lo: number,
    at: readonly number[],
    barrier: number,
    mask: number,
    g: number,
    instruction: number,
  ): void;
  TS(hi: number, lo: number, at: readonly number[], from: number, g: number, instruction: number): void;
  BC(g: number): void;
  BW(g: number, keep: number): void;
}
