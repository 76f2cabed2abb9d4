/** Python-safe names, each given once. */

const RESERVED = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global if import in is ' +
    'lambda nonlocal not or pass raise return try while with yield match case type ' +
    'cute cutlass kernel launch compile_kernel range len min max abs all any int float bool print stream options pointer'
  ).split(' '),
);

export class Names {
  private readonly used = new Set<string>();

  /** `wanted` made into an identifier, with a number where it is taken. */
  fresh(wanted: string): string {
    const base = wanted
      .replace(/[^A-Za-z0-9_]+/g, '_')
      .replace(/^(?=[0-9])/, '_')
      .replace(/^_+$/, 'v');
    let name = RESERVED.has(base) ? `${base}_` : base;
    for (let i = 1; this.used.has(name); i++) name = `${base}_${i}`;
    this.used.add(name);
    return name;
  }
}
