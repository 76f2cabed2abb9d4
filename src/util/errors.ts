/**
 * The one error type that users see.
 *
 * A failure a user can cause or mend is a `RoseError`: a stable code from the catalogue below, the place it happened
 * (with the source line shown where there is one), what was found, what was expected and the next step. Anything
 * else that is thrown is a defect of rose-gen itself.
 */

/** Every code, with what it means. Codes are stable: they are part of the public interface. */
export const ERROR_CATALOGUE = {
  SPEC_SYNTAX: 'the spec is not well-formed YAML',
  SPEC_SCHEMA: 'the spec does not match the schema: a field is missing, misspelt or of the wrong kind',
  SPEC_NAME: 'a name is not a legal identifier, is reserved or is declared twice',
  SPEC_DIM: 'a dimension does not exist or cannot be resolved',
  SPEC_DTYPE: 'a dtype is unknown or not allowed here',
  SPEC_LAYOUT: 'a layout is illegal: it overlaps itself or does not match its shape',
  FORMULA_SYNTAX: 'the formula does not parse',
  FORMULA_TYPE: 'the formula is ill-typed',
  FORMULA_NAME: 'the formula names something that is not declared',
  FORMULA_UNSUPPORTED: 'the formula is legal but no family can schedule it yet',
  LAYOUT_INVALID: 'an operation of the layout algebra is undefined for these layouts',
  IR_INVALID: 'the IR verifier found a broken invariant (a defect of a pass, not of the spec)',
  SCHEDULE_ILLEGAL: 'no schedule fits the limits of the architecture',
  TARGET_UNKNOWN: 'the architecture or phase is not known',
  TARGET_UNSUPPORTED: 'the architecture lacks something that the kernel needs',
  MODEL_UNKNOWN: 'the model or its model_type is not known',
  MODEL_CONFIG: 'the model configuration is missing or inconsistent',
  RECIPE_INVALID: 'a model recipe is malformed, or names what no spec declares',
  TUNING_INVALID: 'a tuning file is damaged or of another version',
  VARIANT_UNKNOWN: 'no variant matches',
  TOOLCHAIN_PYTHON: 'no suitable Python was found',
  TOOLCHAIN_INSTALL: 'the toolchain could not be installed',
  TOOLCHAIN_PLATFORM: 'the toolchain does not exist for this platform',
  COMPILE_FAILED: 'the toolchain rejected a rendered module',
  COMPILE_TIMEOUT: 'a compile ran longer than it may',
  COMPILE_CRASHED: 'a compile worker died',
  COMPILE_SPILLS: 'a kernel spills registers and its spec does not allow that',
  CUBIN_INVALID: 'a cubin could not be read',
  STORE_DAMAGED: 'a stored entry does not match its hash',
  STORE_IO: 'the store cannot be read or written',
  MANIFEST_INVALID: 'a manifest is damaged or of another version',
  MERGE_CONFLICT: 'manifests cannot be merged: a gap or a conflict',
  OUTPUT_IO: 'an output cannot be written',
  PTX_SYNTAX: 'the PTX does not parse',
  PTX_UNSUPPORTED: 'the simulator does not model this instruction',
  SIM_FAULT: 'the simulator caught a fault in a kernel',
  SIM_LIMIT: 'the simulation needs more steps or memory than allowed',
  LAUNCH_GUARD: 'a launch was refused by its guards',
  DEVICE_UNAVAILABLE: 'no such device on this machine',
  DEVICE_MEMORY: 'the device has too little free memory',
  DEVICE_LOST: 'a fault made the context of the device unusable',
  DRIVER_MISSING: 'no CUDA driver was found, or it is too old',
  DRIVER_CALL: 'the CUDA driver refused a call',
  NATIVE_MISSING: 'cuBLASLt or NCCL was not found, or it is too old',
  NATIVE_CALL: 'cuBLASLt or NCCL refused a call',
  HANDLE_CLOSED: 'something was used after it was freed or closed, or belongs to another device',
  PEERS: 'the process of the implementations to compare with failed',
  LIBRARY_MISS: 'no variant of the library serves this call',
  LIBRARY_DAMAGED: 'a file of the library is missing or is not the one that its manifest names',
  PACK_PART: 'a part of a bundle is not on this machine, or is of another platform',
  USAGE: 'the command line is wrong',
  CANCELLED: 'the work was interrupted',
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** A place in a text: 1-based line and column, and that line's text so that it can be shown. */
export interface Place {
  /** File name, or the pseudo-name of a text that has no file. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** Number of characters to underline. */
  readonly length?: number;
  /** The text of that line. */
  readonly text?: string;
}

export interface RoseErrorInit {
  readonly code: ErrorCode;
  /** One sentence that says what is wrong. */
  readonly message: string;
  readonly place?: Place;
  readonly actual?: string;
  readonly expected?: string;
  /** What the user can do now. */
  readonly next: string;
  readonly cause?: unknown;
  /** Further context, such as a Python traceback; shown with `--verbose` only. */
  readonly detail?: string;
}

/** JSON form of a `RoseError`, as `--json` prints it. */
export interface RoseErrorJson {
  readonly code: ErrorCode;
  readonly message: string;
  readonly place?: Place;
  readonly actual?: string;
  readonly expected?: string;
  readonly next: string;
  readonly detail?: string;
}

export class RoseError extends Error {
  override readonly name = 'RoseError';
  readonly code: ErrorCode;
  readonly place: Place | undefined;
  readonly actual: string | undefined;
  readonly expected: string | undefined;
  readonly next: string;
  readonly detail: string | undefined;

  constructor(init: RoseErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.place = init.place;
    this.actual = init.actual;
    this.expected = init.expected;
    this.next = init.next;
    this.detail = init.detail;
  }

  toJSON(): RoseErrorJson {
    return {
      code: this.code,
      message: this.message,
      ...(this.place && { place: this.place }),
      ...(this.actual !== undefined && { actual: this.actual }),
      ...(this.expected !== undefined && { expected: this.expected }),
      next: this.next,
      ...(this.detail !== undefined && { detail: this.detail }),
    };
  }

  /** The error as a user reads it on a terminal, without colour. */
  format(options: { verbose?: boolean } = {}): string {
    const lines = [`error[${this.code}]: ${this.message}`];
    if (this.place) lines.push(...formatPlace(this.place));
    if (this.actual !== undefined) lines.push(`  actual:   ${this.actual}`);
    if (this.expected !== undefined) lines.push(`  expected: ${this.expected}`);
    lines.push(`  next:     ${this.next}`);
    if (options.verbose && this.detail !== undefined) lines.push('', this.detail);
    return lines.join('\n');
  }
}

function formatPlace(place: Place): string[] {
  const at = [place.file, place.line, place.column].filter((part) => part !== undefined).join(':');
  const lines = [`  --> ${at}`];
  if (place.line !== undefined && place.text !== undefined) {
    const gutter = String(place.line);
    const pad = ' '.repeat(gutter.length);
    // A tab takes one column in the underline too, so that the caret stays under its character.
    const text = place.text.replaceAll('\t', ' ');
    lines.push(`   ${pad} |`, `   ${gutter} | ${text}`);
    if (place.column !== undefined) {
      const width = Math.max(1, Math.min(place.length ?? 1, text.length - place.column + 1));
      lines.push(`   ${pad} | ${' '.repeat(place.column - 1)}${'^'.repeat(width)}`);
    }
  }
  return lines;
}

/** Closest of `candidates` to `word` by edit distance, for "did you mean"; undefined where none is close. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Ends a switch over a closed union: a case that was added and not handled fails to type-check. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
