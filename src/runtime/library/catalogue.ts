/**
 * The variants of a manifest, found by kernel, dtypes, flags and phase, for one device.
 *
 * A question names the flags that it cares about; of variants that differ in others, those with programmatic dependent
 * launch come first. Of several architectures that run on the device, the one made for exactly it comes first.
 */

import { ARCHITECTURES, runsOn, type Architecture } from '../../device/arch.js';
import type { Manifest, VariantEntry } from '../../device/manifest.js';
import type { KernelChoice } from '../../device/launcher.js';

/** The flag that says whether a variant takes part in programmatic dependent launch; no spec declares it. */
export const DEPENDENT_LAUNCH = 'dependent_launch';

export interface Question {
  readonly kernel: string;
  readonly types?: KernelChoice['types'];
  readonly flags?: KernelChoice['flags'];
  readonly phase?: string;
  /** Static dims by name. */
  readonly dims?: Readonly<Record<string, number>>;
}

/** What a variant differs in from a question: nothing, or the reasons. */
export function differences(
  variant: VariantEntry,
  question: Question,
  deviceArch: string,
): readonly string[] {
  const reasons: string[] = [];
  if (variant.kernel !== question.kernel) reasons.push(`it is ${variant.kernel}`);
  const compare = (
    what: string,
    asked: Readonly<Record<string, unknown>> = {},
    has: Readonly<Record<string, unknown>>,
  ): void => {
    for (const [name, value] of Object.entries(asked)) {
      if (has[name] !== value)
        reasons.push(`${what} ${name} is ${String(has[name] ?? 'unknown to it')}, not ${String(value)}`);
    }
  };
  compare('type', question.types, variant.types);
  compare('flag', question.flags, variant.flags);
  for (const [name, value] of Object.entries(question.dims ?? {})) {
    const extent = variant.dims[name];
    if (extent !== value && extent !== 'dynamic') {
      reasons.push(`dimension ${name} is ${extent ?? 'unknown to it'}, not ${value}`);
    }
  }
  if (question.phase !== undefined && variant.phase !== question.phase)
    reasons.push(`it is for ${variant.phase}`);
  if (!servesArch(variant.arch, deviceArch))
    reasons.push(`it is for ${variant.arch}, the device is ${deviceArch}`);
  return reasons;
}

/** Whether code for `arch` runs on a device of the architecture `device`. */
export function servesArch(arch: string, device: string): boolean {
  if (arch === device) return true;
  const capability = capabilityOf(device);
  const code = architectureOf(arch);
  return capability !== undefined && code !== undefined && runsOn(code, capability);
}

/** Undefined for one that this version does not know: its code is for others to run. */
function architectureOf(name: string): Architecture | undefined {
  return ARCHITECTURES.find((arch) => arch.name === name);
}

/** Undefined for a name that is no architecture's. */
export function capabilityOf(device: string): Architecture['computeCapability'] | undefined {
  const match = /^sm(\d+)(\d)[a-z]?$/.exec(device);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

export class Catalogue {
  readonly #byKernel = new Map<string, VariantEntry[]>();

  constructor(
    readonly manifest: Manifest,
    readonly deviceArch: string,
  ) {
    for (const variant of manifest.variants) {
      const group = this.#byKernel.get(variant.kernel);
      if (group) group.push(variant);
      else this.#byKernel.set(variant.kernel, [variant]);
    }
  }

  get kernels(): readonly string[] {
    return [...this.#byKernel.keys()];
  }

  /** Variants of a kernel, whatever else they are. */
  of(kernel: string): readonly VariantEntry[] {
    return this.#byKernel.get(kernel) ?? [];
  }

  /** Those that answer the question on this device, the best first. */
  find(question: Question): readonly VariantEntry[] {
    return this.of(question.kernel)
      .filter((variant) => differences(variant, question, this.deviceArch).length === 0)
      .sort((a, b) => this.#rank(b) - this.#rank(a));
  }

  #rank(variant: VariantEntry): number {
    const arch = architectureOf(variant.arch);
    const exact = variant.arch === this.deviceArch ? 1000 : 0;
    const specific = arch?.laterMinors ? 0 : 500;
    return exact + specific + (arch?.computeCapability[1] ?? 0) * 2 + (variant.launch.pdl ? 1 : 0);
  }
}
