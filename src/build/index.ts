/** From a plan to files: rendering, compiling, keys and the output folder. */

export { build, openBuilder, type Builder } from './build.js';
export { isRejection, rejectionReason } from './rejection.js';
export { renderVariant, type RenderedVariant, type RenderOptions } from './render.js';
export { artifactKey, specKey, variantKey } from './keys.js';
export { generatorHash } from './generator-hash.js';
export { inputsKey, stampInputs, upToDate } from './up-to-date.js';
export type { BuildEvent, BuildRequest, BuildResult, Rejection } from './types.js';
