/** The modifiers of an instruction, taken one by one: what no rule has asked for is not modelled, and said so. */

import { typeBytes } from '../ptx/literals.js';
import type { Builder } from './builder.js';

const NUMBERS = new Set(
  's8 u8 b8 s16 u16 b16 s32 u32 b32 s64 u64 b64 f16 bf16 f32 f64 f16x2 bf16x2 f32x2 pred'.split(' '),
);

export class Modifiers {
  readonly #left: string[];

  constructor(
    readonly builder: Builder,
    modifiers: readonly string[],
  ) {
    this.#left = [...modifiers];
  }

  /** Whether the modifier is there; it counts as understood. */
  has(name: string): boolean {
    const at = this.#left.indexOf(name);
    if (at < 0) return false;
    this.#left.splice(at, 1);
    return true;
  }

  /** The first of `names` that is there. */
  oneOf<T extends string>(names: readonly T[]): T | undefined {
    return names.find((name) => this.has(name));
  }

  /** Takes modifiers that change nothing in the model, such as cache hints. */
  ignore(form: RegExp): void {
    for (let at = this.#left.length - 1; at >= 0; at--)
      if (form.test(this.#left[at]!)) this.#left.splice(at, 1);
  }

  /** The next modifier that is a type. */
  type(): string {
    const at = this.#left.findIndex((name) => NUMBERS.has(name));
    if (at < 0) throw this.builder.unsupported('no type that is modelled');
    return this.#left.splice(at, 1)[0]!;
  }

  bytes(type: string): number {
    return typeBytes(type)!;
  }

  next(): string | undefined {
    return this.#left.shift();
  }

  done(): void {
    if (this.#left.length)
      throw this.builder.unsupported(`the modifier .${this.#left[0]} is not modelled here`);
  }
}
