/** Things to be released together, the last one first: what DisposableStack is, which Node 20 lacks. */

export class Scope implements Disposable {
  readonly #releases: (() => void)[] = [];

  use<T extends Disposable>(value: T): T {
    this.defer(() => {
      value[Symbol.dispose]();
    });
    return value;
  }

  defer(release: () => void): void {
    this.#releases.push(release);
  }

  [Symbol.dispose](): void {
    for (const release of this.#releases.splice(0).reverse()) release();
  }
}
