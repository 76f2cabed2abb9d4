/** Text of a spec -> a frozen `KernelSpec`: well-formed, declared, parsed and type-checked under every choice. */

import { stringify } from 'yaml';
import { RoseError } from '../util/errors.js';
import { enumerateBindings } from './bindings.js';
import { checkNames } from './check/names-in-formula.js';
import { refuseUnused } from './check/unused.js';
import { checkFormulas } from './check-formulas.js';
import { checkKernelName, declare, type Declarations } from './declarations.js';
import type { KernelDefinition } from './definition.js';
import { deepFreeze } from './freeze.js';
import { unknownName } from './names.js';
import { parseFormula } from './parse-formula.js';
import { plainData } from './plain-data.js';
import { paragraph } from './printable.js';
import type { KernelSpec, SectionFormula } from './types.js';
import { validate } from './validate.js';
import { readYaml, type YamlDocument } from './yaml-document.js';

/**
 * The spec in a text. `file` names it in errors.
 *
 * @throws SPEC_SYNTAX, SPEC_SCHEMA, SPEC_NAME, SPEC_DIM, SPEC_DTYPE, SPEC_LAYOUT, FORMULA_SYNTAX, FORMULA_TYPE,
 *   FORMULA_NAME or FORMULA_UNSUPPORTED, each with its place.
 */
export function parseSpec(text: string, file: string): KernelSpec {
  const document = readYaml(text, file);
  const definition = validate(document);
  checkKernelName(document, definition.kernel);
  const declarations = declare(document, definition);
  const spec: KernelSpec = {
    name: definition.kernel,
    doc: paragraph('doc', definition.doc, document.place(['doc'])),
    ...(definition.source !== undefined && {
      source: paragraph('source', definition.source, document.place(['source'])),
    }),
    dims: declarations.dims,
    types: declarations.types,
    flags: declarations.flags,
    params: declarations.params,
    tensors: declarations.tensors,
    formulas: formulas(document, definition, declarations),
    ...(definition.allow_spills !== undefined && {
      allowSpills: paragraph('allow_spills', definition.allow_spills, document.place(['allow_spills'])),
    }),
    ...(definition.tolerance && {
      tolerance: {
        ulp: definition.tolerance.ulp,
        reason: paragraph('tolerance', definition.tolerance.reason, document.place(['tolerance', 'reason'])),
      },
    }),
    origin: { file, text },
  };
  const used = checkNames(spec, declarations.names);
  checkFormulas(spec, enumerateBindings(spec));
  refuseUnused(spec, used);
  return deepFreeze(spec);
}

/**
 * The spec of a TypeScript object of the same form as the YAML: the same frozen result, whose origin is its YAML.
 *
 * @throws as `parseSpec`.
 */
export function defineKernel(definition: KernelDefinition): KernelSpec {
  const plain = plainData(definition, 'definition');
  const text = stringify(plain, { lineWidth: 0, aliasDuplicateObjects: false });
  const name = (plain as { readonly kernel?: unknown } | null)?.kernel;
  const file = typeof name === 'string' && /^\w{1,64}$/.test(name) ? name : 'kernel';
  return parseSpec(text, `${file}.yaml`);
}

function formulas(
  document: YamlDocument,
  definition: KernelDefinition,
  { dims }: Declarations,
): readonly SectionFormula[] {
  const cut = dims.find((dim) => dim.kind === 'sections');
  const names = cut?.kind === 'sections' ? cut.parts.map((part) => part.section) : [];
  if (typeof definition.formula === 'string') {
    if (cut) {
      throw new RoseError({
        code: 'FORMULA_SYNTAX',
        message: 'the formula of a kernel with sections has one part for each',
        place: document.keyPlace(['formula']),
        actual: 'one formula',
        expected: names.join(', '),
        next: `write formula: { ${names.map((name) => `${name}: ...`).join(', ')} }`,
      });
    }
    return [{ section: '', statements: parseFormula(document.excerpt(['formula'])) }];
  }
  const given = Object.keys(definition.formula);
  const odd = given.find((name) => !names.includes(name));
  if (odd !== undefined)
    throw unknownName('FORMULA_NAME', 'section', odd, names, document.keyPlace(['formula', odd]));
  const missing = names.find((name) => !given.includes(name));
  if (missing !== undefined) {
    throw new RoseError({
      code: 'FORMULA_NAME',
      message: `section ${missing} has no formula`,
      place: document.keyPlace(['formula']),
      actual: given.join(', '),
      expected: names.join(', '),
      next: `add formula.${missing}`,
    });
  }
  return names.map((section) => ({
    section,
    statements: parseFormula(document.excerpt(['formula', section])),
  }));
}
