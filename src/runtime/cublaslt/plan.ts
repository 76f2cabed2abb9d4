/** A checked problem -> layouts, and the algorithm that cuBLASLt's heuristic names for it. */

import { HostBlock } from '../driver/cuda-driver.js';
import {
  COMPUTE,
  DATA_TYPE,
  DESCRIPTOR,
  EPILOGUE,
  HEURISTIC,
  OPERATION,
  PREFERENCE,
  STATUS,
} from './constants.js';
import { refuse, type CheckedProblem, type StoredMatrix } from './problem.js';
import type { LtSession } from './session.js';

export class GemmPlan {
  /** Layouts of our `a`, `b` and `out`. */
  readonly a: number = 0;
  readonly b: number = 0;
  readonly out: number = 0;
  /** Device memory that the algorithm needs. */
  readonly workspaceBytes: number;
  /** How often the product fills the GPU, by cuBLASLt's own estimate. */
  readonly waves: number;
  /** How many bound products use it. */
  users = 0;
  readonly #result: HostBlock;

  /** @param workspaceLimit most bytes of workspace that an algorithm may ask for. Raises NATIVE_CALL, LAUNCH_GUARD */
  constructor(
    private readonly session: LtSession,
    readonly problem: CheckedProblem,
    workspaceLimit: number,
  ) {
    this.#result = new HostBlock(session.library.host, HEURISTIC.size);
    try {
      this.a = layoutOf(session, problem.a);
      this.b = layoutOf(session, problem.b);
      this.out = layoutOf(session, problem.out);
      this.#choose(workspaceLimit);
    } catch (error) {
      this.close();
      throw error;
    }
    this.workspaceBytes = this.#result.getAddress(HEURISTIC.workspaceBytes);
    this.waves = this.#result.view.getFloat32(HEURISTIC.waves, true);
  }

  /** Host address of the algorithm. */
  get algorithm(): number {
    return this.#result.address + HEURISTIC.algorithm;
  }

  /** A descriptor of the product, its pointers yet to be set. */
  operation(): number {
    const { session, problem } = this;
    const operation = session.operation(problem.tf32 ? COMPUTE.tf32 : COMPUTE.f32, DATA_TYPE.f32);
    try {
      this.#describe(operation);
    } catch (error) {
      session.destroy(operation);
      throw error;
    }
    return operation;
  }

  close(): void {
    for (const layout of [this.a, this.b, this.out]) this.session.destroy(layout);
  }

  #describe(operation: number): void {
    const { session, problem } = this;
    const form = (transposed: boolean): number => (transposed ? OPERATION.transpose : OPERATION.none);
    session.setOperation(operation, DESCRIPTOR.transposeA, form(problem.transposeB));
    session.setOperation(operation, DESCRIPTOR.transposeB, form(problem.transposeA));
    session.setOperation(operation, DESCRIPTOR.epilogue, EPILOGUE[problem.epilogue]);
    if (problem.bias) session.setOperation(operation, DESCRIPTOR.biasType, DATA_TYPE[problem.bias]);
    if (problem.fp8)
      session.setOperation(operation, DESCRIPTOR.fastAccumulation, Number(problem.fastAccumulation));
  }

  #choose(workspaceLimit: number): void {
    const { session, problem } = this;
    const { alignment } = problem;
    const operation = this.operation();
    const preference = session.preference();
    try {
      // The heuristic reads no memory; of a pointer it takes the alignment alone.
      if (problem.bias) session.setOperation(operation, DESCRIPTOR.biasPointer, alignment);
      if (problem.fp8) {
        session.setOperation(operation, DESCRIPTOR.scalePointerA, 16);
        session.setOperation(operation, DESCRIPTOR.scalePointerB, 16);
      }
      session.setPreference(preference, PREFERENCE.workspaceBytes, workspaceLimit);
      const { alignmentA, alignmentB, alignmentC, alignmentD } = PREFERENCE;
      for (const attribute of [alignmentA, alignmentB, alignmentC, alignmentD]) {
        session.setPreference(preference, attribute, alignment);
      }
      this.#ask(operation, preference);
    } finally {
      session.destroy(operation);
      session.destroy(preference);
    }
  }

  #ask(operation: number, preference: number): void {
    const { session, problem } = this;
    const { api, handle, out } = session;
    session.device.context.activate();
    out.setAddress(0, 0);
    const status = api.matmulAlgoGetHeuristic(
      handle,
      operation,
      this.b,
      this.a,
      this.out,
      this.out,
      preference,
      1,
      this.#result.address,
      out.address,
    );
    session.check(status, `cublasLtMatmulAlgoGetHeuristic of ${problem.text}`);
    const state = this.#result.view.getInt32(HEURISTIC.state, true);
    if (out.view.getInt32(0, true) === 0) {
      throw refuse(
        problem.text,
        'cuBLASLt has no algorithm for it',
        'dtypes, extents and an alignment that this GPU has kernels for',
        'allow more workspace, or change what differs from a problem that works',
      );
    }
    if (state !== STATUS.success) throw session.error(state, `an algorithm of ${problem.text}`);
  }
}

/** A row-major matrix is the column-major one of its columns as rows. */
function layoutOf(session: LtSession, { dtype, rows, columns, pitch }: StoredMatrix): number {
  return session.layout(DATA_TYPE[dtype], columns, rows, pitch);
}
