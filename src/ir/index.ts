/** The typed tile IR: nodes, builder, verifier and text form. */

export * from './kernel.js';
export { fromSpec, modeStrides } from './from-spec.js';
export { printKernel } from './print.js';
export { verify } from './verify.js';
export type { Coordinate, Statement, TileExpr, TileType } from './tile.js';
