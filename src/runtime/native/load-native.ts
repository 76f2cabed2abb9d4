/** A library of NVIDIA beside the driver -> its functions, wherever on this machine it lies. */

import { RoseError } from '../../util/errors.js';
import { libraryEnvironment, type LibraryEnvironment } from '../../util/library-env.js';
import { libraryPlaces, type LibraryNames } from './library-places.js';
import {
  bindFunctions,
  hostMemory,
  loadKoffi,
  openFirst,
  type HostMemory,
  type SharedLibrary,
} from './shared-library.js';
import type { NativeApi, Signatures } from './signature.js';

export interface NativeLibrary<S extends Signatures> {
  /** Its path or name, for messages. */
  readonly library: string;
  readonly api: NativeApi<S>;
  readonly host: HostMemory;
}

export interface LoadNativeOptions {
  /** Path of the library; absent: it is looked for. */
  readonly library?: string;
  readonly environment?: LibraryEnvironment;
}

/** Raises NATIVE_MISSING with every place that was looked at. */
export async function loadNative<S extends Signatures>(
  names: LibraryNames,
  signatures: S,
  options: LoadNativeOptions = {},
): Promise<NativeLibrary<S>> {
  const koffi = await loadKoffi();
  const places =
    options.library === undefined
      ? libraryPlaces(names, options.environment ?? libraryEnvironment())
      : [{ where: options.library, names: [options.library] }];
  const report: string[] = [];
  for (const place of places) {
    const { opened, failures } = openFirst(koffi, place.names);
    if (opened) {
      const lacking = (symbol: string, cause: unknown): RoseError =>
        tooOld(names, opened, `no ${symbol}`, `a library that has ${symbol}`, cause);
      return {
        library: opened.name,
        api: bindFunctions(opened, signatures, lacking).api,
        host: hostMemory(koffi),
      };
    }
    report.push(failures.length > 0 ? failures.join('; ') : `${place.where}: not there`);
  }
  throw new RoseError({
    code: 'NATIVE_MISSING',
    message: `${names.title} cannot be loaded`,
    actual: report.join('; '),
    expected: names.files.join(' or '),
    next: `${names.install}, or set CUDA_HOME, or set ${names.variable} to the path of the library`,
  });
}

/** A library that was found and does not do. */
export function tooOld(
  names: LibraryNames,
  { name }: Pick<SharedLibrary, 'name'>,
  actual: string,
  expected: string,
  cause?: unknown,
): RoseError {
  return new RoseError({
    code: 'NATIVE_MISSING',
    message: `the ${names.title} of this machine is too old`,
    actual: `${name}: ${actual}`,
    expected,
    next: `${names.install}, or set ${names.variable} to the path of a newer one`,
    cause,
  });
}
