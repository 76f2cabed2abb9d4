/**
 * Where the user's environment says that shared libraries are. Apart from `env.ts`, because a bundle has none of the
 * packages that one needs.
 *
 * | variable | meaning |
 * |---|---|
 * | ROSE_GEN_CUBLASLT, ROSE_GEN_NCCL | path of the library itself: nothing else is tried |
 * | CUDA_HOME, CUDA_PATH | a CUDA toolkit |
 * | VIRTUAL_ENV, CONDA_PREFIX | a Python environment whose packages may bring libraries |
 */

import { homedir } from 'node:os';
import { delimiter } from 'node:path';

export interface LibraryEnvironment {
  readonly platform: NodeJS.Platform;
  /** The value of a variable; an empty one counts as unset. */
  variable(name: string): string | undefined;
  /** Folders that commands are looked for in. */
  readonly path: readonly string[];
  readonly home: string;
}

/** The environment of this process, or another one for a test. */
export function libraryEnvironment(
  variables: Readonly<Record<string, string | undefined>> = process.env,
  home = homedir(),
): LibraryEnvironment {
  const variable = (name: string): string | undefined => variables[name] || undefined;
  return {
    platform: process.platform,
    variable,
    path: (variable('PATH') ?? '').split(delimiter).filter((folder) => folder !== ''),
    home,
  };
}
