/** What a build is asked for, what it reports while it runs, and what it gives back. */

import type { Manifest } from '../device/index.js';
import type { PlannedVariant } from '../plan/index.js';
import type { KernelSpec } from '../spec/index.js';
import type { RoseError } from '../util/errors.js';

export interface BuildRequest {
  readonly variants: readonly PlannedVariant[];
  /** Specs by kernel name. */
  readonly specs: ReadonlyMap<string, KernelSpec>;
  /** Folder that receives manifest, modules, PTX, cubins and bindings. */
  readonly outDir: string;
  /** Compile workers; default: one a core. */
  readonly jobs?: number;
  readonly storeDir?: string;
  readonly remoteStore?: string;
  /** A variant that spills registers is rejected, and fails no build. */
  readonly rejectSpills?: boolean;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: BuildEvent) => void;
}

export type BuildEvent =
  | { readonly kind: 'toolchain'; readonly message: string }
  | {
      readonly kind: 'variant';
      readonly id: string;
      readonly from: 'store' | 'compiled';
      readonly seconds: number;
      readonly done: number;
      readonly total: number;
    }
  | { readonly kind: 'notice'; readonly message: string };

/** A variant that the target cannot run, found by the passes. */
export interface Rejection {
  readonly id: string;
  readonly error: RoseError;
}

export interface BuildResult {
  readonly outDir: string;
  readonly manifest: Manifest;
  readonly compiled: number;
  readonly fromStore: number;
  readonly rejected: readonly Rejection[];
  readonly seconds: number;
}
