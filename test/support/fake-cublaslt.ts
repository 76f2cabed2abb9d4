/**
 * A cuBLASLt on the fake driver: column-major products of f64 sums, from the descriptors and layouts that it was given.
 *
 * It knows nothing of rows: attributes are read by their published ids and sizes, and one of the wrong size, a layout whose
 * leading dimension is too small, or a form that FP8 does not have is refused as the real one refuses it.
 */

import { CUBLASLT_SIGNATURES, type CublasLtApi } from '../../src/runtime/cublaslt/signatures.js';
import type { CublasLt } from '../../src/runtime/cublaslt/load-cublaslt.js';
import { decode, encode } from '../../src/runtime/dtype.js';
import type { FakeDriver } from './fake-driver.js';
import { FakeNative } from './fake-native.js';

interface Layout {
  readonly type: number;
  readonly rows: number;
  readonly columns: number;
  readonly pitch: number;
}

type Attributes = Map<number, number>;

const [OK, INVALID_VALUE, NOT_SUPPORTED] = [0, 7, 15];
const DTYPES: Readonly<Record<number, string>> = { 0: 'f32', 2: 'f16', 14: 'bf16', 28: 'e4m3', 29: 'e5m2' };
/** Sizes of the attributes of an operation and of a preference. */
const OPERATION_SIZES: Readonly<Record<number, number>> = {
  3: 4,
  4: 4,
  7: 4,
  8: 8,
  17: 8,
  18: 8,
  25: 1,
  26: 4,
};
const PREFERENCE_SIZES: Readonly<Record<number, number>> = { 1: 8, 5: 4, 6: 4, 7: 4, 8: 4 };
const ALGORITHM = 0x1a60;
const BYTES: Readonly<Record<string, number>> = { f32: 4, f16: 2, bf16: 2, e4m3: 1, e5m2: 1 };

export class FakeCublasLt extends FakeNative<typeof CUBLASLT_SIGNATURES> {
  version = 130_100;
  /** How many algorithms the heuristic finds. */
  found = 1;
  /** What its algorithms ask for, in bytes. */
  workspaceBytes = 4096;
  /** Of the last product. */
  lastOperation: ReadonlyMap<number, number> = new Map();
  readonly preferences: Attributes[] = [];

  readonly #handles = new Set<number>();
  readonly #layouts = new Map<number, Layout>();
  readonly #operations = new Map<number, Attributes>();
  readonly #preferences = new Map<number, Attributes>();
  #next = 0x9000;

  constructor(private readonly driver: FakeDriver) {
    super(
      CUBLASLT_SIGNATURES,
      functionsOf(() => this),
    );
  }

  /** What openGemm takes. */
  get library(): CublasLt {
    return { library: 'fake cuBLASLt', api: this.api, host: this.driver };
  }

  /** How many of each kind are alive; kinds with none are left out. */
  get live(): Readonly<Record<string, number>> {
    const counts = {
      handle: this.#handles.size,
      layout: this.#layouts.size,
      operation: this.#operations.size,
      preference: this.#preferences.size,
    };
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  }

  text(text: string): number {
    return this.driver.addressOf(new TextEncoder().encode(`${text}\0`));
  }

  create(out: number): number {
    return this.#put(out, this.#handles.add(this.#next));
  }

  destroyHandle(handle: number): number {
    return this.#handles.delete(handle) ? OK : INVALID_VALUE;
  }

  createLayout(out: number, type: number, rows: number, columns: number, pitch: number): number {
    if (!(type in DTYPES) || pitch < rows) return INVALID_VALUE;
    return this.#put(out, this.#layouts.set(this.#next, { type, rows, columns, pitch }));
  }

  destroyLayout(layout: number): number {
    return this.#layouts.delete(layout) ? OK : INVALID_VALUE;
  }

  createOperation(out: number, compute: number, scale: number): number {
    if (![68, 77].includes(compute) || scale !== 0) return NOT_SUPPORTED;
    return this.#put(out, this.#operations.set(this.#next, new Map([[0, compute]])));
  }

  destroyOperation(operation: number): number {
    return this.#operations.delete(operation) ? OK : INVALID_VALUE;
  }

  createPreference(out: number): number {
    const attributes: Attributes = new Map();
    this.preferences.push(attributes);
    return this.#put(out, this.#preferences.set(this.#next, attributes));
  }

  destroyPreference(preference: number): number {
    return this.#preferences.delete(preference) ? OK : INVALID_VALUE;
  }

  setOperation(operation: number, id: number, value: number, bytes: number): number {
    return this.#set(this.#operations.get(operation), OPERATION_SIZES, id, value, bytes);
  }

  setPreference(preference: number, id: number, value: number, bytes: number): number {
    return this.#set(this.#preferences.get(preference), PREFERENCE_SIZES, id, value, bytes);
  }

  heuristic(
    handle: number,
    operation: number,
    layouts: readonly number[],
    preference: number,
    wanted: number,
    results: number,
    count: number,
  ): number {
    const attributes = this.#operations.get(operation);
    const limits = this.#preferences.get(preference);
    const known = layouts.map((layout) => this.#layouts.get(layout));
    if (!this.#handles.has(handle) || !attributes || !limits || known.includes(undefined))
      return INVALID_VALUE;
    const fp8 = known[0]!.type >= 28;
    if (fp8 && (attributes.get(3) !== 1 || attributes.get(4) !== 0)) return NOT_SUPPORTED;
    const fits = (limits.get(1) ?? 0) >= this.workspaceBytes;
    const found = Math.min(wanted, fits ? this.found : 0);
    this.driver.host(count, 4).setInt32(0, found, true);
    if (found === 0) return OK;
    const view = this.driver.host(results, 96);
    view.setBigUint64(0, BigInt(ALGORITHM), true);
    view.setBigUint64(8, BigInt(limits.get(5) ?? 256), true);
    view.setBigUint64(64, BigInt(this.workspaceBytes), true);
    view.setInt32(72, OK, true);
    view.setFloat32(76, 0.5, true);
    return OK;
  }

  matmul(args: readonly number[]): number {
    const [handle, operation, alphaAt, a, layoutA, b, layoutB, betaAt, c, layoutC, d, layoutD] =
      args as number[];
    const [algorithm, workspace, workspaceBytes, stream] = args.slice(12) as [number, number, number, number];
    const attributes = this.#operations.get(operation!);
    const [A, B, C, D] = [layoutA, layoutB, layoutC, layoutD].map((layout) => this.#layouts.get(layout!));
    if (!this.#handles.has(handle!) || !attributes || !A || !B || !C || !D) return INVALID_VALUE;
    const chosen = this.driver.host(algorithm, 16);
    if (chosen.getBigUint64(0, true) !== BigInt(ALGORITHM)) return INVALID_VALUE;
    const alignment = Number(chosen.getBigUint64(8, true));
    if ([a, b, d].some((at) => at! % alignment !== 0)) return INVALID_VALUE;
    const room =
      this.workspaceBytes === 0 || this.driver.device(workspace, this.workspaceBytes) !== undefined;
    if (workspaceBytes < this.workspaceBytes || !room) return INVALID_VALUE;
    this.lastOperation = new Map(attributes);
    const copy = new Map(attributes);
    const alpha = this.driver.host(alphaAt!, 4).getFloat32(0, true);
    const beta = this.driver.host(betaAt!, 4).getFloat32(0, true);
    return this.driver.enqueue(stream, () => {
      const scale = alpha * this.#scalar(copy.get(17)) * this.#scalar(copy.get(18));
      const left = this.#matrix(a!, A);
      const right = this.#matrix(b!, B);
      const before = this.#matrix(c!, C);
      const result = this.#matrix(d!, D);
      const bias = this.#bias(copy, D);
      const inner = copy.get(3) === 1 ? A.rows : A.columns;
      if (inner !== (copy.get(4) === 1 ? B.columns : B.rows)) return INVALID_VALUE;
      for (let row = 0; row < D.rows; row++) {
        for (let column = 0; column < D.columns; column++) {
          let sum = 0;
          for (let i = 0; i < inner; i++) {
            const x = copy.get(3) === 1 ? left.at(i, row) : left.at(row, i);
            const y = copy.get(4) === 1 ? right.at(column, i) : right.at(i, column);
            sum += x * y;
          }
          const plain = scale * sum + (beta === 0 ? 0 : beta * before.at(row, column)) + bias(row);
          result.set(row, column, activate(plain, copy.get(7)!));
        }
      }
      result.store();
      return OK;
    });
  }

  #bias(attributes: Attributes, { rows }: Layout): (row: number) => number {
    if (((attributes.get(7) ?? 1) & 4) === 0) return () => 0;
    const dtype = DTYPES[attributes.get(26)!]!;
    const values = decode(dtype, this.driver.device(attributes.get(8)!, rows * BYTES[dtype]!)!);
    return (row) => values[row]!;
  }

  #scalar(at: number | undefined): number {
    if (at === undefined) return 1;
    return decode('f32', this.driver.device(at, 4)!)[0]!;
  }

  #matrix(address: number, { type, rows, columns, pitch }: Layout) {
    const dtype = DTYPES[type]!;
    const memory = this.driver.device(address, ((columns - 1) * pitch + rows) * BYTES[dtype]!);
    if (!memory) throw new Error('a matrix that leaves its allocation');
    const values = decode(dtype, memory);
    return {
      at: (row: number, column: number) => values[row + column * pitch]!,
      set: (row: number, column: number, value: number) => {
        values[row + column * pitch] = value;
      },
      store: () => {
        memory.set(encode(dtype, values));
      },
    };
  }

  #set(
    attributes: Attributes | undefined,
    sizes: Readonly<Record<number, number>>,
    id: number,
    value: number,
    bytes: number,
  ): number {
    if (!attributes || sizes[id] !== bytes) return INVALID_VALUE;
    const view = this.driver.host(value, 8);
    const read =
      bytes === 8
        ? Number(view.getBigUint64(0, true))
        : bytes === 4
          ? view.getInt32(0, true)
          : view.getInt8(0);
    attributes.set(id, read);
    return OK;
  }

  #put(out: number, _made: unknown): number {
    this.driver.host(out, 8).setBigUint64(0, BigInt(this.#next), true);
    this.#next += 16;
    return OK;
  }
}

function activate(value: number, epilogue: number): number {
  if ((epilogue & 2) !== 0) return Math.max(value, 0);
  if ((epilogue & 32) === 0) return value;
  return 0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)));
}

function functionsOf(self: () => FakeCublasLt): CublasLtApi {
  return {
    getVersion: () => self().version,
    getStatusName: (status) =>
      self().text(status === NOT_SUPPORTED ? 'CUBLAS_STATUS_NOT_SUPPORTED' : `STATUS_${status}`),
    getStatusString: () => self().text('what it says'),
    create: (out) => self().create(out),
    destroy: (handle) => self().destroyHandle(handle),
    matmulDescCreate: (out, compute, scale) => self().createOperation(out, compute, scale),
    matmulDescDestroy: (operation) => self().destroyOperation(operation),
    matmulDescSetAttribute: (operation, id, value, bytes) => self().setOperation(operation, id, value, bytes),
    matrixLayoutCreate: (out, type, rows, columns, pitch) =>
      self().createLayout(out, type, rows, columns, pitch),
    matrixLayoutDestroy: (layout) => self().destroyLayout(layout),
    matmulPreferenceCreate: (out) => self().createPreference(out),
    matmulPreferenceDestroy: (preference) => self().destroyPreference(preference),
    matmulPreferenceSetAttribute: (preference, id, value, bytes) =>
      self().setPreference(preference, id, value, bytes),
    matmulAlgoGetHeuristic: (handle, operation, a, b, c, d, preference, wanted, results, count) =>
      self().heuristic(handle, operation, [a, b, c, d], preference, wanted, results, count),
    matmul: (...args) => self().matmul(args),
  };
}
