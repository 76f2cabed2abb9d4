/** A build folder on a device: picks the variant of a call, checks the call, launches it, and explains what it cannot. */

import type { KernelChoice, KernelLauncher, LaunchOptions } from '../../device/launcher.js';
import type { Manifest, VariantEntry } from '../../device/manifest.js';
import { RoseError } from '../../util/errors.js';
import { Resource } from '../lifetime.js';
import type { RuntimeDevice } from '../runtime-device.js';
import { DeviceTensor, type TensorOptions } from '../tensor.js';
import { askedDims } from './asked-dims.js';
import { BoundLaunch, type BindOptions } from './bound-launch.js';
import { Catalogue, servesArch, type Question } from './catalogue.js';
import { damagedFiles } from './code-files.js';
import { explain, missError, type Explanation } from './explain.js';
import type { CallArguments } from './parameter-writer.js';
import { DECODE_ROWS, isCrowded, phaseOf } from './phase.js';
import { checkVariant } from './read-library.js';
import { guardError } from './refusal.js';
import { ServedVariant } from './served-variant.js';

export interface Asked extends Question {
  /** Rows of the call, which choose the phase where none is named. */
  readonly rows?: number;
}

/** The variants that a choice can mean, found once. */
interface Group {
  readonly choice: KernelChoice;
  readonly all: readonly ServedVariant[];
  readonly decode: readonly ServedVariant[];
  readonly prefill: readonly ServedVariant[];
}

export class Library extends Resource implements KernelLauncher {
  readonly #catalogue: Catalogue;
  readonly #served = new Map<string, ServedVariant>();
  readonly #groups = new Map<string, Group[]>();

  constructor(
    readonly folder: string,
    readonly manifest: Manifest,
    readonly device: RuntimeDevice,
    private readonly ownsDevice: boolean,
  ) {
    super(`the library ${folder}`);
    this.#catalogue = new Catalogue(manifest, device.arch);
  }

  /** The variants that run on this device. */
  get variants(): readonly VariantEntry[] {
    return this.manifest.variants.filter(({ arch }) => servesArch(arch, this.device.arch));
  }

  /**
   * Launches the variant that serves the call. Raises LIBRARY_MISS and LAUNCH_GUARD before anything is launched,
   * and LIBRARY_DAMAGED, CUBIN_INVALID, DEVICE_LOST, DRIVER_CALL.
   */
  launch(choice: KernelChoice, args: CallArguments, options?: LaunchOptions): void {
    this.assertOpen();
    this.#select(choice, args, options?.phase).launch(args, options?.stream);
  }

  /** The same, checked and packed once, to be run many times. */
  bind(choice: KernelChoice, args: CallArguments, options?: LaunchOptions): BoundLaunch {
    this.assertOpen();
    return new BoundLaunch(this.#select(choice, args, options?.phase), args, options);
  }

  /** Launches exactly this variant. Raises VARIANT_UNKNOWN too. */
  launchVariant(id: string, args: CallArguments, options?: LaunchOptions): void {
    const served = this.#variant(id);
    const refusal = served.plan.bind(args);
    if (refusal) throw guardError(refusal, id);
    served.launch(args, options?.stream);
  }

  /** Exactly this variant, checked and packed once, to be run many times. Raises VARIANT_UNKNOWN too. */
  bindVariant(id: string, args: CallArguments, options: BindOptions = {}): BoundLaunch {
    return new BoundLaunch(this.#variant(id), args, options);
  }

  /** Which variant would run, and why; or what is there instead and the command that builds what is not. */
  why(asked: Asked): Explanation {
    const { rows, ...question } = asked;
    if (question.phase !== undefined || rows === undefined) return explain(this.#catalogue, question);
    const serving = (phase: string): VariantEntry | undefined =>
      this.#catalogue.find({ ...question, phase })[0];
    const [decode, prefill] = [serving('decode'), serving('prefill')];
    const crowded = phaseOf(rows) === 'decode' && decode && prefill && this.#isCrowded(decode, prefill, rows);
    const phase = crowded ? 'prefill' : phaseOf(rows);
    const found = phase === 'decode' ? decode : prefill;
    const answer = explain(this.#catalogue, found ? { ...question, phase } : question);
    const why = crowded
      ? `${rows} rows of ${decode.id} crowd the SMs with its clusters`
      : `${rows} rows are ${phase === 'decode' ? 'at most' : 'more than'} ${DECODE_ROWS}`;
    return { ...answer, reasons: [...answer.reasons, why] };
  }

  /** Loads code ahead of the first launch: all of the device's, or what the question asks for. */
  preload(question: Partial<Question> = {}): void {
    this.assertOpen();
    const kernels = question.kernel === undefined ? this.#catalogue.kernels : [question.kernel];
    for (const kernel of kernels) {
      for (const variant of this.#catalogue.find({ ...question, kernel })) this.#serve(variant).load();
    }
  }

  /** The code files that are missing or damaged; none is good. */
  verify(): readonly RoseError[] {
    return damagedFiles(this.folder, { ...this.manifest, variants: this.variants }, this.device.code);
  }

  /** A contiguous tensor on this device. */
  tensor<Dtype extends string>(
    dtype: Dtype,
    shape: readonly number[],
    options?: TensorOptions,
  ): DeviceTensor<Dtype> {
    this.assertOpen();
    return DeviceTensor.create(this.device, dtype, shape, options);
  }

  protected override release(): void {
    for (const served of this.#served.values()) served.close();
    this.#served.clear();
    this.#groups.clear();
    if (this.ownsDevice) this.device.close();
  }

  #select(choice: KernelChoice, args: CallArguments, phase: LaunchOptions['phase']): ServedVariant {
    const group = this.#group(choice);
    const candidates = phase === undefined ? group.all : group[phase];
    for (let i = 0; i < candidates.length; i++) {
      const served = candidates[i]!;
      if (served.plan.bind(args)) continue;
      return phase === undefined ? otherPhase(served, group, args) : served;
    }
    throw this.#refuse(choice, group, candidates, args, phase);
  }

  /** Why none of the phase's variants serves the call: a wrong call where its static dims fit one, else a miss. */
  #refuse(
    choice: KernelChoice,
    { all }: Group,
    candidates: readonly ServedVariant[],
    args: CallArguments,
    phase: string | undefined,
  ): RoseError {
    const question = { ...choice, ...(phase !== undefined && { phase }) };
    const refusalsOf = (served: readonly ServedVariant[]) =>
      served.flatMap(({ variant, plan }) => {
        const refusal = plan.bind(args);
        return refusal ? [{ variant, refusal }] : [];
      });
    const refusals = refusalsOf(candidates);
    const ofAll = refusalsOf(all);
    const wrong = (refusals.length > 0 ? refusals : ofAll).find(({ refusal }) => refusal.kind === 'guard');
    if (wrong) return guardError(wrong.refusal, wrong.variant.id);
    const otherwise = all.find(({ plan }) => plan.bind(args) === undefined)?.variant;
    const nearest = refusals[0] ?? (otherwise ? undefined : ofAll[0]);
    const dims = nearest && askedDims(nearest.variant, args);
    return missError(this.#catalogue, question, { refusals, dims, otherwise });
  }

  #group(choice: KernelChoice): Group {
    const known = this.#groups.get(choice.kernel);
    if (known) {
      for (let i = 0; i < known.length; i++) {
        const { choice: other } = known[i]!;
        if (sameFields(choice.types, other.types) && sameFields(choice.flags, other.flags)) return known[i]!;
      }
    }
    const all = this.#catalogue.find(choice).map((variant) => this.#serve(variant));
    const phase = (name: string): readonly ServedVariant[] =>
      all.filter(({ variant }) => variant.phase === name);
    const group = { choice, all, decode: phase('decode'), prefill: phase('prefill') };
    if (known) known.push(group);
    else this.#groups.set(choice.kernel, [group]);
    return group;
  }

  #serve(variant: VariantEntry): ServedVariant {
    let served = this.#served.get(variant.id);
    if (!served) {
      checkVariant(this.manifest, variant, this.folder);
      served = new ServedVariant(variant, this.device, this.folder);
      this.#served.set(variant.id, served);
    }
    return served;
  }

  #isCrowded(decode: VariantEntry, prefill: VariantEntry, rows: number): boolean {
    const [few, many] = [this.#serve(decode), this.#serve(prefill)];
    return isCrowded(few, few.plan.ctasFor(rows), many, many.plan.ctasFor(rows));
  }

  #variant(id: string): ServedVariant {
    this.assertOpen();
    const variant = this.manifest.variants.find((entry) => entry.id === id);
    if (variant && servesArch(variant.arch, this.device.arch)) return this.#serve(variant);
    throw new RoseError({
      code: 'VARIANT_UNKNOWN',
      message: variant ? `${id} does not run on this device` : `the library has no variant ${id}`,
      actual: variant ? this.device.arch : id,
      ...(variant && { expected: variant.arch }),
      next: 'choose one of the variants of the library',
    });
  }
}

/** The variant for the phase that the bound call's rows belong to, where there is one. */
function otherPhase(served: ServedVariant, group: Group, args: CallArguments): ServedVariant {
  const chosen = inPhase(phaseOf(served.plan.rows), served, group, args);
  if (chosen.variant.phase !== 'decode' || chosen.plan.ctasInCluster === 1) return chosen;
  const other = inPhase('prefill', chosen, group, args);
  return isCrowded(chosen, chosen.plan.ctas, other, other.plan.ctas) ? other : chosen;
}

function inPhase(
  phase: 'decode' | 'prefill',
  served: ServedVariant,
  group: Group,
  args: CallArguments,
): ServedVariant {
  if (served.variant.phase === phase) return served;
  const candidates = group[phase];
  for (let i = 0; i < candidates.length; i++) {
    if (!candidates[i]!.plan.bind(args)) return candidates[i]!;
  }
  return served;
}

type Fields = Readonly<Record<string, unknown>>;

function sameFields(a: Fields, b: Fields): boolean {
  if (a === b) return true;
  for (const name in a) if (a[name] !== b[name]) return false;
  for (const name in b) if (!(name in a)) return false;
  return true;
}
