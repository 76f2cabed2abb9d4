/** Sizes beyond which a spec is refused: far above what a kernel needs, low enough that no text can exhaust the compiler. */
export const LIMITS = {
  /** Characters of a spec's text. */
  text: 256 * 1024,
  /** Nesting of YAML collections. */
  yamlDepth: 16,
  /** Characters of a name. */
  name: 48,
  /** Nesting of an expression, chains of operators included. */
  depth: 200,
  /** Expression nodes of a whole formula. */
  nodes: 10_000,
  /** Statements of one section. */
  statements: 256,
  /** Combinations of types and flags; each is type-checked. */
  combinations: 256,
  /** Extent of a static dimension. */
  extent: 2 ** 31 - 1,
} as const;
