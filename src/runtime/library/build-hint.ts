/**
 * A question that no variant answers -> the command that builds one that does; or, where no build would help, what to ask instead.
 *
 * The library knows what its own build was asked for: a phase is named only where a variant of the kernel has it (some kernels
 * are made for one phase alone), and so are types, flags and dims.
 */

import { ARCHITECTURES, runsOn } from '../../device/arch.js';
import type { VariantEntry } from '../../device/manifest.js';
import { closest } from '../../util/errors.js';
import { capabilityOf, DEPENDENT_LAUNCH, type Catalogue, type Question } from './catalogue.js';

/** One of the two. */
export interface BuildHint {
  /** The command; absent where it would not help. */
  readonly build?: string;
  /** What else the caller can do. */
  readonly instead?: string;
}

/** @param otherwise the variant that would serve it if it named no phase */
export function buildHint(
  catalogue: Catalogue,
  question: Question,
  otherwise: VariantEntry | undefined,
): BuildHint {
  const known = catalogue.of(question.kernel);
  const unknown = known.length === 0 ? undefined : unknownName(known, question);
  if (unknown !== undefined) return { instead: unknown };
  if (question.phase !== undefined && otherwise)
    return { instead: `leave the phase out: ${otherwise.id} serves the call` };
  return { build: buildCommand(catalogue, question, known) };
}

/** A name of the question that no variant of its kernel has. */
function unknownName(
  known: readonly VariantEntry[],
  { kernel, types, flags, dims }: Question,
): string | undefined {
  const asked = [
    ['type variable', types, ({ types: own }: VariantEntry) => own],
    ['flag', flags, ({ flags: own }: VariantEntry) => own],
    ['dimension', dims, ({ dims: own }: VariantEntry) => own],
  ] as const;
  for (const [what, record = {}, own] of asked) {
    const names = new Set(known.flatMap((variant) => Object.keys(own(variant))));
    const odd = Object.keys(record).find((name) => !names.has(name));
    if (odd === undefined) continue;
    const near = closest(odd, names);
    const there = near === undefined ? [...names].join(', ') || 'none' : `did you mean ${near}?`;
    return `${kernel} has no ${what} ${odd}: ${there}`;
  }
  return undefined;
}

function buildCommand(
  { deviceArch }: Catalogue,
  { kernel, phase, types, flags, dims }: Question,
  known: readonly VariantEntry[],
): string {
  const each = (option: string, record: Readonly<Record<string, unknown>> = {}): readonly string[] =>
    Object.entries(record).map(([name, value]) => `${option} ${name}=${String(value)}`);
  const isDynamic = (name: string): boolean =>
    known.length > 0 && known.every((variant) => variant.dims[name] === 'dynamic');
  const { [DEPENDENT_LAUNCH]: dependent, ...own } = flags ?? {};
  const options = [
    `--kernel ${kernel}`,
    `--arch ${archToBuild(deviceArch)}`,
    ...(known.some((variant) => variant.phase === phase) ? [`--phase ${phase}`] : []),
    ...each('--dim', Object.fromEntries(Object.entries(dims ?? {}).filter(([name]) => !isDynamic(name)))),
    ...each('--type', types),
    ...each('--flag', own),
    ...(dependent === false ? ['--no-dependent-launch'] : []),
  ];
  return `rose-gen build --model MODEL ${options.join(' ')}`;
}

/** The device's own architecture, else the best whose code it runs. */
function archToBuild(device: string): string {
  const capability = capabilityOf(device);
  if (!capability || ARCHITECTURES.some(({ name }) => name === device)) return device;
  return ARCHITECTURES.findLast((arch) => runsOn(arch, capability))?.name ?? device;
}
