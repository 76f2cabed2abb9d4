/**
 * CuTe's layout algebra on static integers: layouts in, layouts out. docs/layout.md is its guide.
 *
 * Nothing here knows of kernels. Every undefined operation is a `RoseError` with code `LAYOUT_INVALID`.
 */
export {
  type IntTuple,
  type Nested,
  compatible,
  congruent,
  depth,
  equalTuples,
  flatten,
  formatTuple,
  isTuple,
  mapLeaves,
  product,
  rank,
  unflatten,
} from './int-tuple.js';
export {
  type Coordinate,
  compactStride,
  compactStrideRight,
  crd2crd,
  crd2idx,
  idx2crd,
} from './coordinate.js';
export {
  type Layout,
  type Mode,
  concat,
  cosize,
  equalLayouts,
  evaluate,
  flatModes,
  formatLayout,
  fromModes,
  makeLayout,
  modeOf,
  modesOf,
  rowMajor,
  size,
} from './layout.js';
export { coalesce, filterZeros } from './coalesce.js';
export { type Tiler } from './tiler.js';
export { composition } from './composition.js';
export { complement } from './complement.js';
export { leftInverse, rightInverse } from './inverse.js';
export { flatDivide, logicalDivide, tiledDivide, zippedDivide } from './divide.js';
export {
  blockedProduct,
  flatProduct,
  logicalProduct,
  rakedProduct,
  tiledProduct,
  zippedProduct,
} from './product.js';
export { type Slice, type SliceCoordinate, sliceAndOffset } from './slice.js';
export { type Swizzle, applySwizzle, formatSwizzle, makeSwizzle, swizzleBlock } from './swizzle.js';
export {
  type AnyLayout,
  type ComposedLayout,
  allocationSize,
  evaluateAny,
  formatAny,
  innerLayout,
  isComposed,
  makeComposed,
  mapInner,
} from './composed.js';
export {
  type Owner,
  type TvLayout,
  coversTile,
  isPartition,
  makeTvLayout,
  threadCount,
  tvCoordinate,
  tvInverse,
  tvLayout,
  tvOwner,
  valueCount,
} from './thread-value.js';
export { type VectorLimits, maxCommonLayout, maxCommonVector, maxVectorWidth } from './vector.js';
export { type Overlap, findOverlap, isCompact, isContiguous, isInjective } from './overlap.js';
export { parseAnyLayout, parseLayout, parseTuple } from './parse.js';
export { layoutTable, tvTable } from './table.js';
