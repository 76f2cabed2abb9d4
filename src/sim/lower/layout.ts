/** Variables of a module and a kernel -> where each lies in its window. */

import type { PtxEntry, PtxModule, PtxVariable } from '../ptx/ast.js';
import type { SharedLayout } from '../program.js';

/** Below this nothing of the shared window is mapped; from sm_90 on the hardware keeps as much for itself. */
export const SHARED_START = 1024;

export type SymbolPlace =
  | { readonly space: 'shared' | 'local' | 'param'; readonly offset: number; readonly bytes: number }
  /** A global or constant variable: the index in `variables`, which the launch allocates. */
  | { readonly space: 'global'; readonly index: number };

export interface MemoryLayout {
  readonly symbols: ReadonlyMap<string, SymbolPlace>;
  readonly shared: SharedLayout;
  readonly localBytes: number;
  /** Global and constant variables in the order of their indices. */
  readonly variables: readonly PtxVariable[];
}

export function layoutMemory(module: PtxModule, entry: PtxEntry): MemoryLayout {
  const symbols = new Map<string, SymbolPlace>();
  const variables: PtxVariable[] = [];
  let shared = SHARED_START;
  let local = 0;
  let dynamicAlign = 16;
  const dynamic: PtxVariable[] = [];
  for (const variable of [...module.variables, ...entry.variables]) {
    const { name, bytes, align, space } = variable;
    switch (space) {
      case 'shared':
        if (variable.external) {
          dynamic.push(variable);
          dynamicAlign = Math.max(dynamicAlign, align);
        } else {
          shared = roundUp(shared, align);
          symbols.set(name, { space, offset: shared, bytes });
          shared += bytes;
        }
        break;
      case 'local':
        local = roundUp(local, align);
        symbols.set(name, { space, offset: local, bytes });
        local += bytes;
        break;
      case 'global':
      case 'const':
        symbols.set(name, { space: 'global', index: variables.length });
        variables.push(variable);
        break;
      case 'param':
        break;
      default:
        space satisfies never;
    }
  }
  const dynamicStart = roundUp(shared, dynamicAlign);
  for (const { name } of dynamic) symbols.set(name, { space: 'shared', offset: dynamicStart, bytes: 0 });
  for (const { name, offset, bytes } of entry.parameters)
    symbols.set(name, { space: 'param', offset, bytes });
  return {
    symbols,
    shared: { start: SHARED_START, staticBytes: shared - SHARED_START, dynamicStart },
    localBytes: roundUp(local, 16),
    variables,
  };
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
