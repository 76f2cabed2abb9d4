/** Copies that a thread waits for by groups: what it issued, committed, and has not waited for. */

/** A copy under way: lands all its bytes at once. */
export type Landing = () => void;

interface Groups {
  open: Landing[];
  readonly closed: Landing[][];
}

export class CopyGroups {
  readonly #threads = new Map<number, Groups>();

  #of(g: number): Groups {
    let groups = this.#threads.get(g);
    if (!groups) {
      groups = { open: [], closed: [] };
      this.#threads.set(g, groups);
    }
    return groups;
  }

  add(g: number, land: Landing): void {
    this.#of(g).open.push(land);
  }

  commit(g: number): void {
    const groups = this.#of(g);
    groups.closed.push(groups.open);
    groups.open = [];
  }

  /** Lands all but the `keep` newest groups; below 0 also what is not committed. */
  wait(g: number, keep: number): void {
    const groups = this.#of(g);
    while (groups.closed.length > Math.max(0, keep)) for (const land of groups.closed.shift()!) land();
    if (keep >= 0) return;
    for (const land of groups.open) land();
    groups.open = [];
  }

  /** The thread has ended: what it issued lands all the same. */
  end(g: number): void {
    if (this.#threads.size === 0 || !this.#threads.has(g)) return;
    this.wait(g, -1);
    this.#threads.delete(g);
  }

  /** Drops what threads `from` to `to` have under way. */
  drop(from: number, to: number): void {
    for (const g of this.#threads.keys()) if (g >= from && g < to) this.#threads.delete(g);
  }
}
