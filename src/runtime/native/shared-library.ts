/** Names of a shared library and signatures -> a table of callable functions, through koffi. */

import type koffiType from 'koffi';
import { errorMessage } from '../../util/system-error.js';
import type { NativeApi, Signatures } from './signature.js';

/** Memory of this process that a shared library can reach. */
export interface HostMemory {
  /** Host address of the first byte. The memory of an array buffer stays where it is. */
  addressOf(memory: ArrayBuffer | ArrayBufferView): number;
  /** The text that ends at a zero byte. */
  textAt(address: number): string;
}

export type Koffi = typeof koffiType;

export interface SharedLibrary {
  readonly name: string;
  readonly functions: ReturnType<Koffi['load']>;
}

export async function loadKoffi(): Promise<Koffi> {
  const { default: koffi } = await import('koffi');
  return koffi;
}

export function hostMemory(koffi: Koffi): HostMemory {
  return {
    addressOf: (memory) => Number(koffi.address(memory)),
    textAt: (address) => String(koffi.decode(BigInt(address), 'char', -1)),
  };
}

/** The first library of these names that loads, and what the loader said of those before it. */
export function openFirst(
  koffi: Koffi,
  names: readonly string[],
): { readonly opened?: SharedLibrary; readonly failures: readonly string[] } {
  const failures: string[] = [];
  for (const name of names) {
    try {
      return { opened: { functions: koffi.load(name), name }, failures };
    } catch (error) {
      failures.push(`${name}: ${errorMessage(error)}`);
    }
  }
  return { failures };
}

/** Binds every function; one that the library lacks raises what `lacking` makes when it is called. */
export function bindFunctions<S extends Signatures>(
  { functions }: SharedLibrary,
  signatures: S,
  lacking: (symbol: string, cause: unknown) => Error,
): { readonly api: NativeApi<S>; readonly missing: ReadonlySet<keyof S> } {
  const missing = new Set<keyof S>();
  const api: Partial<Record<keyof S, (...args: number[]) => number>> = {};
  for (const [name, { symbol, takes, gives }] of Object.entries(signatures) as [keyof S, S[keyof S]][]) {
    try {
      api[name] = functions.func(symbol, gives ?? 'int32', [...takes]) as (...args: number[]) => number;
    } catch (error) {
      missing.add(name);
      api[name] = () => {
        throw lacking(symbol, error);
      };
    }
  }
  return { api: api as unknown as NativeApi<S>, missing };
}
