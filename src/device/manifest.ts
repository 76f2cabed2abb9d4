/**
 * The manifest: what a build hands to a runtime.
 *
 * One JSON file beside the modules, PTX and cubins of a library. For each variant it says what the kernel computes on
 * (dims, dtypes, tensors), how its parameter buffer is laid out, how it is launched, what must hold before a launch,
 * what it uses and where its files are. It holds nothing of the machine or the moment it was made at: the same inputs
 * give the same bytes. `schemas/manifest.schema.json` is the published form of these types.
 */

import { canonicalJson } from '../util/hash.js';
import type { LaunchExpr } from './launch-expr.js';

/** Version of the manifest's form. A reader refuses any other. */
export const MANIFEST_SCHEMA = 1;
export const MANIFEST_FILE = 'manifest.json';

export interface Manifest {
  readonly schema: typeof MANIFEST_SCHEMA;
  readonly generator: GeneratorIdentity;
  readonly toolchain: ToolchainIdentity;
  /** Names of the architectures there are variants for, sorted: `sm100`, `sm90`. */
  readonly archs: readonly string[];
  /** Sorted by id. */
  readonly variants: readonly VariantEntry[];
}

export interface GeneratorIdentity {
  readonly name: string;
  readonly version: string;
  /** Hash of the generator's own files. */
  readonly hash: string;
}

export interface ToolchainIdentity {
  /** Version of nvidia-cutlass-dsl. */
  readonly cutlassDsl: string;
  readonly cudaFlavour: 'cu12' | 'cu13';
  /** SHA-256 of the requirements lock. */
  readonly lockHash: string;
  /** Lowest NVIDIA driver (Linux) that loads every cubin of this manifest. */
  readonly minimumDriver: string;
}

export interface VariantEntry {
  /** Readable and unique: kernel, static dims, dtypes, flags, `sm90`, `decode`. */
  readonly id: string;
  /** Name of the spec. */
  readonly kernel: string;
  readonly specKey: string;
  readonly artifactKey: string;
  readonly arch: string;
  readonly phase: string;
  /** A number where the variant fixes the dimension, `dynamic` where the call brings it. */
  readonly dims: Readonly<Record<string, number | 'dynamic'>>;
  /** Type variables of the spec and what this variant binds them to: `{ T: 'bf16' }`. */
  readonly types: Readonly<Record<string, string>>;
  readonly flags: Readonly<Record<string, boolean | number | string>>;
  readonly tensors: readonly TensorEntry[];
  /** The parameter buffer, in order of offset. */
  readonly params: readonly ParamEntry[];
  /** Symbol of the kernel in the cubin. */
  readonly entry: string;
  readonly launch: LaunchRule;
  readonly guards: readonly Guard[];
  readonly resources: ResourceReport;
  readonly files: { readonly module: FileEntry; readonly ptx: FileEntry; readonly cubin: FileEntry };
  /** Why the plan wants this variant. */
  readonly reasons: readonly string[];
  /** What the simulator found when it last ran this very variant; absent: it was not run. */
  readonly verification?: VerificationRecord;
}

/** A variant that passed. One that fails has no record: it is run again. */
export interface VerificationRecord {
  /** Hash of the variant, its PTX and the verifier: another key says nothing of this variant. */
  readonly key: string;
  /** Problems it was run on. */
  readonly cases: number;
  /** Largest distance of an output element from the reference, in units of the last place of its dtype. */
  readonly worstUlp: number;
  /** Whether a row's bits are the same whatever rows are beside it; absent where a kernel has no rows of their own. */
  readonly batchInvariant?: boolean;
}

export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly LaunchExpr[];
  /** In elements, one an axis. */
  readonly strides: readonly LaunchExpr[];
  readonly access: 'in' | 'out' | 'inout';
  /** Alignment of the base address, in bytes. */
  readonly alignment: number;
}

export interface ParamEntry {
  readonly name: string;
  readonly kind: ParamKind;
  /** Offset and size in the parameter buffer, in bytes, as the cubin records them. */
  readonly offset: number;
  readonly size: number;
  readonly source: ParamSource;
}

export const PARAM_KINDS = ['pointer', 'i32', 'i64', 'u32', 'u64', 'f32', 'f64', 'bytes'] as const;
export type ParamKind = (typeof PARAM_KINDS)[number];

export type ParamSource =
  /** Base address of a tensor. */
  | { readonly kind: 'tensor'; readonly tensor: string }
  | { readonly kind: 'dim'; readonly dim: string }
  /** A stride in elements. */
  | { readonly kind: 'stride'; readonly tensor: string; readonly axis: number }
  /** A scalar parameter of the spec, such as eps. */
  | { readonly kind: 'scalar'; readonly name: string }
  | { readonly kind: 'expr'; readonly expr: LaunchExpr }
  /** Zero bytes that the calling convention asks for. */
  | { readonly kind: 'zero' };

export interface LaunchRule {
  /** CTAs in x, y and z. A zero means that there is nothing to do: no launch. */
  readonly grid: readonly [LaunchExpr, LaunchExpr, LaunchExpr];
  /** Threads of a CTA in x, y and z. */
  readonly block: readonly [number, number, number];
  /** CTAs of a cluster; 1, 1, 1 without clusters. */
  readonly cluster: readonly [number, number, number];
  /** Dynamic shared memory, in bytes. */
  readonly sharedMemoryBytes: number;
  /** Launched with programmatic dependent launch. */
  readonly pdl: boolean;
  readonly cooperative: boolean;
}

/** What has to hold before a launch; a runtime checks each and refuses the launch with the numbers. */
export type Guard =
  /** The device runs code of this architecture. */
  | { readonly kind: 'arch'; readonly arch: string }
  | { readonly kind: 'dtype'; readonly tensor: string; readonly dtype: string }
  /** Base address of the tensor, in bytes. */
  | { readonly kind: 'alignment'; readonly tensor: string; readonly bytes: number }
  | { readonly kind: 'dimEquals'; readonly dim: string; readonly value: number }
  | { readonly kind: 'dimMin'; readonly dim: string; readonly value: number }
  | { readonly kind: 'dimMax'; readonly dim: string; readonly value: number }
  | { readonly kind: 'dimMultiple'; readonly dim: string; readonly value: number }
  /** A stride of a tensor, in elements. */
  | {
      readonly kind: 'strideMultiple';
      readonly tensor: string;
      readonly axis: number;
      readonly value: number;
    };

/** What a variant uses, read from its cubin; bytes of spills and of local memory are a thread's. */
export interface ResourceReport {
  readonly registers: number;
  /** Bytes that spilled registers store and load in local memory: ptxas's spill stores plus spill loads. */
  readonly spillBytes: number;
  readonly localBytes: number;
  readonly staticSharedBytes: number;
  readonly dynamicSharedBytes: number;
  /** Estimate: CTAs that fit on one SM at once. */
  readonly ctasPerSm: number;
}

export interface FileEntry {
  /** Relative to the manifest, with forward slashes. */
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Text form: canonical, two-space indented, one line feed at the end. Equal manifests give equal bytes. */
export function serializeManifest(manifest: Manifest): string {
  const sorted: Manifest = {
    ...manifest,
    archs: [...new Set(manifest.archs)].sort(byCodeUnit),
    variants: [...manifest.variants].sort((a, b) => byCodeUnit(a.id, b.id)),
  };
  return `${JSON.stringify(JSON.parse(canonicalJson(sorted)), undefined, 2)}\n`;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
