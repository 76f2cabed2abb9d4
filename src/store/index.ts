/** Content-addressed artifacts, manifests of builds, and what they cost. */

export type { Artifact, ArtifactEntry, ArtifactStore, BlobReference } from './artifact.js';
export { readCosts, recordCosts, type Costs } from './costs.js';
export { getOrBuild, type LockingStore } from './get-or-build.js';
export { HttpStore, type HttpStoreOptions } from './http-store.js';
export { LayeredStore, type LayeredStoreOptions } from './layered-store.js';
export { LocalStore, type KeyLockOptions, type LocalStoreOptions, type StoreNotice } from './local-store.js';
export {
  storeStats,
  trimStore,
  verifyStore,
  type StoreStats,
  type TrimOptions,
  type TrimReport,
  type VerifyReport,
} from './maintenance.js';
export { mergeManifests, type NamedManifest } from './manifest-merge.js';
export { writeManifest } from './manifest-write.js';
export { openLocalStore, openStore, type OpenStoreOptions } from './open-store.js';
