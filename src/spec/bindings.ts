/** Every combination of a spec's type variables and flags. */

import { RoseError } from '../util/errors.js';
import type { Choice } from './check/scope.js';
import { LIMITS } from './limits.js';
import type { FlagDecl, TypeVar } from './types.js';

/** In the order of declaration, the last varying fastest. Raises SPEC_SCHEMA where there are too many. */
export function enumerateBindings(spec: {
  readonly name: string;
  readonly types: readonly TypeVar[];
  readonly flags: readonly FlagDecl[];
}): readonly Choice[] {
  const count = [...spec.types, ...spec.flags].reduce((product, { choices }) => product * choices.length, 1);
  if (count > LIMITS.combinations) {
    const last = [...spec.types, ...spec.flags].at(-1)!;
    throw new RoseError({
      code: 'SPEC_SCHEMA',
      message: `${spec.name} has too many combinations of types and flags`,
      place: last.span,
      actual: String(count),
      expected: `at most ${LIMITS.combinations}`,
      next: 'split the spec, or drop choices',
    });
  }
  let choices: readonly Choice[] = [{ types: {}, flags: {} }];
  for (const type of spec.types) {
    choices = choices.flatMap((choice) =>
      type.choices.map((dtype) => ({ ...choice, types: { ...choice.types, [type.name]: dtype } })),
    );
  }
  for (const flag of spec.flags) {
    choices = choices.flatMap((choice) =>
      flag.choices.map((value) => ({ ...choice, flags: { ...choice.flags, [flag.name]: value } })),
    );
  }
  return choices;
}
