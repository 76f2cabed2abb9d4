/** A table of a library's functions that counts calls, checks arguments as koffi would, and fails where a test asks. */

import type { NativeApi, Signatures } from '../../src/runtime/native/signature.js';

export class FakeNative<S extends Signatures> {
  readonly api: NativeApi<S>;
  /** Names of the functions called, in order. */
  calls: (keyof S)[] = [];
  readonly #failures = new Map<keyof S, { status: number; after: number }>();

  constructor(signatures: S, functions: NativeApi<S>) {
    const checked: Partial<Record<keyof S, (...args: number[]) => number>> = {};
    for (const name of Object.keys(signatures) as (keyof S)[]) {
      const call = functions[name] as (...args: number[]) => number;
      checked[name] = (...args) => {
        this.calls.push(name);
        this.#check(String(name), signatures[name]!.takes, args);
        const failure = this.#failures.get(name);
        if (failure && failure.after-- === 0) {
          this.#failures.delete(name);
          return failure.status;
        }
        return call(...args);
      };
    }
    this.api = checked as unknown as NativeApi<S>;
  }

  /** Makes the n-th call from now of a function fail. */
  fail(name: keyof S, status: number, after = 0): void {
    this.#failures.set(name, { status, after });
  }

  #check(name: string, takes: readonly string[], args: readonly number[]): void {
    if (args.length !== takes.length) throw new Error(`${name}: ${args.length} arguments`);
    args.forEach((argument, i) => {
      const low = takes[i] === 'int32' ? -(2 ** 31) : 0;
      if (!Number.isSafeInteger(argument) || argument < low) {
        throw new Error(`${name}: argument ${i} is ${argument}`);
      }
    });
  }
}
