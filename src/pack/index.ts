/** One self-contained bundle of a build, for a GPU host with nothing installed. */

export { BUNDLE_FILE, PLATFORMS, type BundledFile, type BundleRecord, type Platform } from './bundle.js';
export type { KernelSelection } from './kernel-files.js';
export {
  assertReplaceable,
  packBundle,
  writeBundle,
  type Bundle,
  type BundlePart,
  type PackOptions,
} from './pack.js';
