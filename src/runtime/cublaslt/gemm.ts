/** cuBLASLt on a device: dense matrix products, each problem planned once. */

import type { CudaDevice } from '../cuda/cuda-device.js';
import { Resource } from '../lifetime.js';
import { BoundGemm } from './bound-gemm.js';
import { cublasLtVersion, loadCublasLt, type CublasLt } from './load-cublaslt.js';
import type { GemmOperands } from './operands.js';
import { GemmPlan } from './plan.js';
import { checkProblem, type CheckedProblem, type GemmProblem } from './problem.js';
import { LtSession } from './session.js';
import { Workspaces } from './workspace.js';

export interface OpenGemmOptions {
  /** Path of the library, or the library itself; default: it is looked for. */
  readonly library?: string | CublasLt;
  /** Most device memory of an algorithm, allocated once a stream where one needs it. Default 32 MiB. */
  readonly workspaceBytes?: number;
  /** Most plans that are kept; beyond, the oldest that nothing is bound to goes. Default 512. */
  readonly plans?: number;
}

/** What NVIDIA recommends for Hopper; others need less. */
const WORKSPACE_BYTES = 32 * 2 ** 20;
const PLANS = 512;

/** Raises NATIVE_MISSING, NATIVE_CALL. */
export async function openGemm(device: CudaDevice, options: OpenGemmOptions = {}): Promise<Gemm> {
  const { library } = options;
  const loaded =
    typeof library === 'object' ? library : await loadCublasLt(library === undefined ? {} : { library });
  return new Gemm(loaded, device, options);
}

export class Gemm extends Resource {
  /** Of cuBLASLt, such as `13.1.0`. */
  readonly version: string;
  readonly #session: LtSession;
  readonly #plans = new Map<string, GemmPlan>();
  readonly #planLimit: number;
  readonly #workspaces: Workspaces;

  constructor(
    library: CublasLt,
    readonly device: CudaDevice,
    options: Pick<OpenGemmOptions, 'workspaceBytes' | 'plans'> = {},
  ) {
    super('a cuBLASLt handle');
    this.version = cublasLtVersion(library);
    this.#planLimit = options.plans ?? PLANS;
    this.#workspaces = new Workspaces(device, options.workspaceBytes ?? WORKSPACE_BYTES);
    this.#session = new LtSession(library, device);
  }

  /** Number of problems that are planned. */
  get planned(): number {
    return this.#plans.size;
  }

  /** Workspace and waves of the algorithm that a problem gets. Raises LAUNCH_GUARD, NATIVE_CALL. */
  plan(problem: GemmProblem): Pick<GemmPlan, 'workspaceBytes' | 'waves'> {
    const { workspaceBytes, waves } = this.#planOf(checkProblem(problem));
    return { workspaceBytes, waves };
  }

  /**
   * Checks and packs a product; its `run` is one call. Raises LAUNCH_GUARD with the numbers, HANDLE_CLOSED, NATIVE_CALL,
   * DEVICE_MEMORY.
   */
  bind(problem: GemmProblem, operands: GemmOperands): BoundGemm {
    const plan = this.#planOf(checkProblem(problem));
    const workspace = this.#workspaces.of(plan, operands.stream, operands.workspace);
    return new BoundGemm(this.#session, plan, operands, workspace);
  }

  /** Queues one product: `bind` and `run`. */
  run(problem: GemmProblem, operands: GemmOperands): void {
    const bound = this.bind(problem, operands);
    try {
      bound.run();
    } finally {
      bound.close();
    }
  }

  #planOf(problem: CheckedProblem): GemmPlan {
    this.assertOpen();
    let plan = this.#plans.get(problem.key);
    if (!plan) {
      plan = new GemmPlan(this.#session, problem, this.#workspaces.bytes);
      this.#plans.set(problem.key, plan);
      this.#evict(plan);
    }
    return plan;
  }

  #evict(newest: GemmPlan): void {
    for (const [key, plan] of this.#plans) {
      if (this.#plans.size <= this.#planLimit) return;
      if (plan.users > 0 || plan === newest) continue;
      this.#plans.delete(key);
      plan.close();
    }
  }

  protected override release(): void {
    this.#session.close();
    this.#plans.clear();
    this.#workspaces.close();
  }
}
