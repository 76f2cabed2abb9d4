/**
 * Things with an end: closed by hand, by `using`, or reported when they were forgotten.
 *
 * Nothing is released by the garbage collector, which runs at no certain time: a forgotten handle is a defect of the
 * program, and the report names it.
 */

import { RoseError } from '../util/errors.js';

const symbols: object = Symbol;
if (!('dispose' in symbols)) Object.defineProperty(symbols, 'dispose', { value: Symbol('Symbol.dispose') });

/** Told what was never closed, such as `buffer "kv cache" of 4096 bytes`. */
export type LeakListener = (what: string) => void;

const warn: LeakListener = (what) => {
  process.emitWarning(`${what} was garbage collected before it was closed`, { code: 'ROSE_GEN_LEAK' });
};

let listener = warn;

const forgotten = new FinalizationRegistry<string>((what) => {
  listener(what);
});

/** Replaces the listener of leaks and returns the one before; without an argument: process warnings again. */
export function onLeak(next: LeakListener = warn): LeakListener {
  const before = listener;
  listener = next;
  return before;
}

export abstract class Resource {
  #closed = false;

  /** @param what for messages and leak reports */
  constructor(readonly what: string) {
    forgotten.register(this, what, this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Releases it; a second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    forgotten.unregister(this);
    this.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  protected abstract release(): void;

  /** @throws RoseError HANDLE_CLOSED */
  protected assertOpen(): void {
    if (this.#closed) throw closedError(this.what);
  }
}

export function closedError(what: string): RoseError {
  return new RoseError({
    code: 'HANDLE_CLOSED',
    message: `${what} is closed`,
    next: 'close it after its last use, or open a new one',
  });
}
