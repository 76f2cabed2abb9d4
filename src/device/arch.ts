/**
 * GPU architectures: name -> compile target, limits and features.
 *
 * Limits are those of the CUDA programming guide, appendix "Compute Capabilities", tables of technical
 * specifications per compute capability (sm103 follows 10.x and sm121 follows 12.x there). Sizes are in bytes.
 * That 256-bit global loads and stores need sm_100 or later, and work on sm_120, is what ptxas 12.9 says.
 * SM counts and L2 sizes are of one product each, named beside them: they steer schedules, never correctness.
 */

import { RoseError, closest } from '../util/errors.js';

export interface Architecture {
  /** As users write it: `sm90`. */
  readonly name: string;
  /** As the toolchain writes it: `sm_90a`. */
  readonly target: string;
  /** Compute capability, major and minor. */
  readonly computeCapability: readonly [number, number];
  /** Whether the code also runs on later minors of the same major (`sm_80`, `sm_100f`); an `a` form does not. */
  readonly laterMinors: boolean;
  readonly warpSize: number;
  readonly maxThreadsPerCta: number;
  readonly maxThreadsPerSm: number;
  readonly maxCtasPerSm: number;
  readonly registersPerSm: number;
  readonly maxRegistersPerThread: number;
  /** Shared memory of one SM that CTAs can share out, the reserved part of each included. */
  readonly sharedMemoryPerSm: number;
  /** Most shared memory one CTA may have (static and dynamic), with the opt-in for more than 48 KiB. */
  readonly maxSharedMemoryPerCta: number;
  /** Shared memory the driver keeps for itself in each CTA. */
  readonly reservedSharedMemoryPerCta: number;
  /** Largest portable cluster, in CTAs; 1 where there are no clusters. */
  readonly maxClusterSize: number;
  /** Widest load or store of global memory, in bits. */
  readonly maxVectorBits: 128 | 256;
  readonly hasFp8Casts: boolean;
  readonly hasClusters: boolean;
  /** Programmatic dependent launch. */
  readonly hasDependentLaunch: boolean;
  /** Lowest Linux driver that loads code of the CUDA 12 toolchain for it. */
  readonly minimumDriver: string;
  /** A product of this architecture, its SM count and its L2 cache. */
  readonly typical: { readonly device: string; readonly smCount: number; readonly l2Bytes: number };
}

const KIB = 1024;
const MIB = 1024 * KIB;

const common = {
  warpSize: 32,
  maxThreadsPerCta: 1024,
  registersPerSm: 65_536,
  maxRegistersPerThread: 255,
  reservedSharedMemoryPerCta: KIB,
  laterMinors: false,
} as const;

const ampere = {
  ...common,
  laterMinors: true,
  maxClusterSize: 1,
  maxVectorBits: 128,
  hasFp8Casts: false,
  hasClusters: false,
  hasDependentLaunch: false,
  minimumDriver: '525.60.13',
} as const;

const hopper = {
  ...common,
  maxThreadsPerSm: 2048,
  maxCtasPerSm: 32,
  sharedMemoryPerSm: 228 * KIB,
  maxSharedMemoryPerCta: 227 * KIB,
  maxClusterSize: 8,
  maxVectorBits: 128,
  hasFp8Casts: true,
  hasClusters: true,
  hasDependentLaunch: true,
  minimumDriver: '525.60.13',
} as const;

/** CUDA 12.8 brought sm_100 and sm_120, 12.9 brought sm_103 and sm_121: older drivers do not know the device. */
const blackwell = { ...hopper, maxVectorBits: 256, minimumDriver: '570.26' } as const;
const CUDA_12_9_DRIVER = '575.51.03';

const blackwellWorkstation = {
  ...blackwell,
  maxThreadsPerSm: 1536,
  maxCtasPerSm: 24,
  sharedMemoryPerSm: 100 * KIB,
  maxSharedMemoryPerCta: 99 * KIB,
} as const;

export const ARCHITECTURES: readonly Architecture[] = [
  {
    ...ampere,
    name: 'sm80',
    target: 'sm_80',
    computeCapability: [8, 0],
    maxThreadsPerSm: 2048,
    maxCtasPerSm: 32,
    sharedMemoryPerSm: 164 * KIB,
    maxSharedMemoryPerCta: 163 * KIB,
    typical: { device: 'A100', smCount: 108, l2Bytes: 40 * MIB },
  },
  {
    ...ampere,
    name: 'sm86',
    target: 'sm_86',
    computeCapability: [8, 6],
    maxThreadsPerSm: 1536,
    maxCtasPerSm: 16,
    sharedMemoryPerSm: 100 * KIB,
    maxSharedMemoryPerCta: 99 * KIB,
    typical: { device: 'A40', smCount: 84, l2Bytes: 6 * MIB },
  },
  {
    ...ampere,
    name: 'sm89',
    target: 'sm_89',
    computeCapability: [8, 9],
    maxThreadsPerSm: 1536,
    maxCtasPerSm: 24,
    sharedMemoryPerSm: 100 * KIB,
    maxSharedMemoryPerCta: 99 * KIB,
    hasFp8Casts: true,
    typical: { device: 'L40S', smCount: 142, l2Bytes: 96 * MIB },
  },
  {
    ...hopper,
    name: 'sm90',
    target: 'sm_90a',
    computeCapability: [9, 0],
    typical: { device: 'H100 SXM', smCount: 132, l2Bytes: 50 * MIB },
  },
  {
    ...blackwell,
    name: 'sm100',
    target: 'sm_100a',
    computeCapability: [10, 0],
    typical: { device: 'B200', smCount: 148, l2Bytes: 126 * MIB },
  },
  {
    ...blackwell,
    name: 'sm100f',
    target: 'sm_100f',
    computeCapability: [10, 0],
    laterMinors: true,
    minimumDriver: CUDA_12_9_DRIVER,
    typical: { device: 'B200', smCount: 148, l2Bytes: 126 * MIB },
  },
  {
    ...blackwell,
    name: 'sm103',
    target: 'sm_103a',
    computeCapability: [10, 3],
    minimumDriver: CUDA_12_9_DRIVER,
    typical: { device: 'B300', smCount: 148, l2Bytes: 126 * MIB },
  },
  {
    ...blackwellWorkstation,
    name: 'sm120',
    target: 'sm_120a',
    computeCapability: [12, 0],
    typical: { device: 'RTX PRO 6000', smCount: 188, l2Bytes: 128 * MIB },
  },
  {
    ...blackwellWorkstation,
    name: 'sm121',
    target: 'sm_121a',
    computeCapability: [12, 1],
    minimumDriver: CUDA_12_9_DRIVER,
    typical: { device: 'GB10', smCount: 48, l2Bytes: 24 * MIB },
  },
];

/**
 * The architecture of a name as people write it: `sm90`, `sm_90`, `sm90a` and `SM_90A` are one.
 * Raises TARGET_UNKNOWN, with what is known and the closest name.
 */
export function architecture(name: string): Architecture {
  const plain = name.trim().toLowerCase().replace(/^sm_?/, 'sm');
  const known = ARCHITECTURES.find((arch) => plain === arch.name || plain === arch.target.replace('_', ''));
  if (known) return known;
  const names = ARCHITECTURES.map((arch) => arch.name);
  const near = closest(plain, names);
  throw new RoseError({
    code: 'TARGET_UNKNOWN',
    message: `unknown GPU architecture ${JSON.stringify(name)}`,
    actual: name,
    expected: `one of ${names.join(', ')}`,
    next: near === undefined ? 'choose one of these with --arch' : `did you mean ${near}?`,
  });
}

/** Whether code compiled for `arch` runs on a device of this compute capability. */
export function runsOn(arch: Architecture, [major, minor]: readonly [number, number]): boolean {
  const [own, least] = arch.computeCapability;
  return major === own && (arch.laterMinors ? minor >= least : minor === least);
}

/** Compares two driver versions ("570.26", "525.60.13"): negative, zero or positive, as for sort. */
export function compareDrivers(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left!.length, right!.length); i++) {
    const difference = (left![i] ?? 0) - (right![i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The lowest driver that loads code for all of these architectures. */
export function minimumDriverFor(archs: readonly Architecture[]): string {
  return (
    archs
      .map((arch) => arch.minimumDriver)
      .sort(compareDrivers)
      .at(-1) ?? '525.60.13'
  );
}
