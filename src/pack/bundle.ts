/** `BUNDLE.json`: what a bundle holds and what it needs, as `pack` writes it and the bundle's doctor reads it. */

export const BUNDLE_FILE = 'BUNDLE.json';
/** Version of the record's form. A doctor refuses any other. */
export const BUNDLE_SCHEMA = 1;

/** Platforms that have both a CUDA driver and a native part of koffi, named as Node names them. */
export const PLATFORMS = ['linux-x64', 'linux-arm64', 'win32-x64'] as const;
export type Platform = (typeof PLATFORMS)[number];

export interface BundleRecord {
  readonly schema: typeof BUNDLE_SCHEMA;
  readonly generator: { readonly name: string; readonly version: string };
  readonly platform: Platform;
  /** Least version of Node, `20.19`, and the path of the Node that the bundle brings along. */
  readonly node: { readonly minimum: string; readonly included?: string };
  /** Architectures there are kernels for, sorted. */
  readonly archs: readonly string[];
  /** Lowest NVIDIA driver (Linux) that loads every cubin. */
  readonly minimumDriver: string;
  readonly variants: number;
  readonly ptx: boolean;
  readonly simulator: boolean;
  /** Every other file, sorted by path. */
  readonly files: readonly BundledFile[];
}

export interface BundledFile {
  /** Relative to the bundle, with forward slashes. */
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Where things lie in a bundle. */
export const LAYOUT = {
  kernels: 'kernels',
  runtime: 'runtime',
  packages: 'node_modules',
  node: { linux: 'bin/node', win32: 'bin/node.exe' },
} as const;

/** One check of the bundle's doctor. `missing`: this machine lacks it; `skipped`: another finding keeps it from being looked at. */
export interface Finding {
  readonly id: 'node' | 'platform' | 'files' | 'driver' | 'device';
  readonly status: 'ok' | 'wrong' | 'missing' | 'skipped';
  readonly found: string;
  readonly fix?: string;
}
