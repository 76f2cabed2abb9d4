/** Names in the nested blocks of a kernel: inner ones are made unique, and found from the inside out. */

interface Scope {
  readonly names: Map<string, string>;
  readonly labels: Map<string, string>;
}

export class Scopes {
  /** Register (or predicate) -> its type. */
  readonly registers = new Map<string, string>();
  readonly #open: Scope[] = [{ names: new Map(), labels: new Map() }];
  #blocks = 0;

  enter(): void {
    this.#blocks++;
    this.#open.push({ names: new Map(), labels: new Map() });
  }

  leave(): void {
    this.#open.pop();
  }

  /** Whether a block inside the kernel's body is open. */
  get nested(): boolean {
    return this.#open.length > 1;
  }

  /** The unique name of what is declared here. */
  declare(name: string): string {
    const unique = this.nested ? `${name}@${this.#blocks}` : name;
    this.#open.at(-1)!.names.set(name, unique);
    return unique;
  }

  declareLabel(name: string): void {
    this.#open.at(-1)!.labels.set(name, `${name}@${this.#blocks}`);
  }

  /** The unique name that a name stands for; undefined where nothing is declared. */
  find(name: string): string | undefined {
    for (let n = this.#open.length - 1; n >= 0; n--) {
      const found = this.#open[n]!.names.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The unique name of a register. */
  findRegister(name: string): string | undefined {
    const found = this.find(name);
    return found !== undefined && this.registers.has(found) ? found : undefined;
  }

  label(name: string): string {
    for (let n = this.#open.length - 1; n >= 0; n--) {
      const found = this.#open[n]!.labels.get(name);
      if (found !== undefined) return found;
    }
    return name;
  }
}
