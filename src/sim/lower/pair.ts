/** A 64-bit value in generated code, as the text of its two words. */
export interface Pair {
  readonly lo: string;
  readonly hi: string;
}
