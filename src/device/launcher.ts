/** What typed bindings call: a library that picks a variant and launches it. Runtimes and the simulator implement it. */

/** A tensor in device memory. The dtype is part of the type, so that a wrong call does not type-check. */
export interface Tensor<Dtype extends string> {
  readonly dtype: Dtype;
  /** Extents, slowest first. */
  readonly shape: readonly number[];
  /** In elements, one an axis; absent: row-major and contiguous. */
  readonly strides?: readonly number[];
  /** Device address, in bytes. */
  readonly address: bigint;
}

/** What the caller of a binding has chosen: the kernel, its dtypes and its flags. */
export interface KernelChoice {
  readonly kernel: string;
  readonly types: Readonly<Record<string, string>>;
  readonly flags: Readonly<Record<string, boolean | number | string>>;
}

export interface LaunchOptions {
  readonly phase?: 'prefill' | 'decode';
  /** Handle of the stream; absent: the device's default stream. */
  readonly stream?: bigint;
}

export interface KernelLauncher {
  /** @throws LAUNCH_GUARD or LIBRARY_MISS before anything is launched. */
  launch(
    choice: KernelChoice,
    args: Readonly<Record<string, Tensor<string> | number>>,
    options?: LaunchOptions,
  ): void;
}
