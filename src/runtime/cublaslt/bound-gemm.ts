/** A plan and its operands -> a product that is packed once and then runs with one call. */

import { HostBlock } from '../driver/cuda-driver.js';
import { Resource } from '../lifetime.js';
import { DESCRIPTOR, STATUS } from './constants.js';
import { checkOperands, type GemmOperands } from './operands.js';
import type { GemmPlan } from './plan.js';
import type { LtSession } from './session.js';
import type { Workspace } from './workspace.js';

export class BoundGemm extends Resource {
  readonly #operation: number;
  /** alpha, beta. */
  readonly #scalars: HostBlock;
  #stream = 0;
  /** Number of frees at which the operands were last looked at; -1: look again. */
  #checkedAt = -1;

  constructor(
    private readonly session: LtSession,
    readonly plan: GemmPlan,
    private readonly operands: GemmOperands,
    private readonly workspace: Workspace,
  ) {
    super(`a bound matrix product of ${plan.problem.text}`);
    plan.users++;
    try {
      this.#scalars = new HostBlock(session.library.host, 8);
      this.#scalars.view.setFloat32(0, operands.alpha ?? 1, true);
      this.#scalars.view.setFloat32(4, operands.beta ?? 0, true);
      this.#operation = plan.operation();
      this.#look();
      this.#point();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Queues the product. Operands are looked at again where anything was freed since.
   * Raises LAUNCH_GUARD, HANDLE_CLOSED, DEVICE_LOST, NATIVE_CALL.
   */
  run(): void {
    this.assertOpen();
    const { session, plan, operands, workspace } = this;
    session.assertOpen();
    const { device } = session;
    if (this.#checkedAt !== device.buffers.removals || device.capturing) this.#look();
    device.context.activate();
    const out = operands.out.at;
    const status = session.api.matmul(
      session.handle,
      this.#operation,
      this.#scalars.address,
      operands.b.at,
      plan.b,
      operands.a.at,
      plan.a,
      this.#scalars.address + 4,
      out,
      plan.out,
      out,
      plan.out,
      plan.algorithm,
      workspace.at,
      workspace.bytes,
      this.#stream,
    );
    if (status !== STATUS.success) throw session.error(status, `cublasLtMatmul of ${plan.problem.text}`);
  }

  #look(): void {
    const { operands, workspace } = this;
    const { device } = this.session;
    checkOperands(this.plan.problem, operands, device);
    workspace.assertLive();
    this.#stream = device.streamAddress(operands.stream);
    if (device.capturing) {
      const { a, b, out, bias, scaleA, scaleB } = operands;
      for (const tensor of [a, b, out, bias, scaleA, scaleB]) {
        if (tensor) device.noteUse(tensor.buffer.slot, tensor.buffer.generation);
      }
      workspace.noteUse();
    }
    // What was resolved for a capture names its stream: the next run looks again.
    this.#checkedAt = device.capturing ? -1 : device.buffers.removals;
  }

  #point(): void {
    const { bias, scaleA, scaleB } = this.operands;
    // Our `b` is the A of cuBLASLt.
    if (bias) this.session.setOperation(this.#operation, DESCRIPTOR.biasPointer, bias.at);
    if (scaleB) this.session.setOperation(this.#operation, DESCRIPTOR.scalePointerA, scaleB.at);
    if (scaleA) this.session.setOperation(this.#operation, DESCRIPTOR.scalePointerB, scaleA.at);
  }

  protected override release(): void {
    this.plan.users--;
    this.session.destroy(this.#operation);
  }
}
