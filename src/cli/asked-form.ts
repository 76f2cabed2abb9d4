/** --dim, --flag and --type -> the form that they ask of the kernels that are asked for. */

import type { DimDecl, Dtype, KernelSpec } from '../spec/index.js';
import { closest, type RoseError } from '../util/errors.js';
import { count, usage } from './options.js';

export interface FormOptions {
  readonly dim?: readonly string[];
  readonly flag?: readonly string[];
  readonly type?: readonly string[];
}

/** What is said of dims, flags and type variables, by name; the rest is open. */
export interface AskedForm {
  readonly dims: ReadonlyMap<string, number>;
  readonly flags: ReadonlyMap<string, boolean>;
  readonly types: ReadonlyMap<string, Dtype>;
}

/** Raises USAGE for what is malformed, said twice, unknown to all of the specs, or not allowed by one. */
export function askedForm(
  { dim = [], flag = [], type = [] }: FormOptions,
  specs: readonly KernelSpec[],
): AskedForm {
  return {
    dims: read('--dim', 'dimension', dim, specs, sizeOf),
    flags: read('--flag', 'flag', flag, specs, valueOfFlag),
    types: read('--type', 'type variable', type, specs, dtypeOf),
  };
}

const EXAMPLES = { '--dim': 'hidden=4096', '--flag': 'masked=true', '--type': 'T=bf16' } as const;
type FormOption = keyof typeof EXAMPLES;

const NAMES: Readonly<Record<FormOption, (spec: KernelSpec) => readonly { readonly name: string }[]>> = {
  '--dim': ({ dims }) => dims.filter(({ kind }) => kind !== 'dynamic'),
  '--flag': ({ flags }) => flags,
  '--type': ({ types }) => types,
};

/** @param valueOf what a text means for one spec that has the name; undefined: the spec says nothing of it */
function read<T>(
  option: FormOption,
  what: string,
  texts: readonly string[],
  specs: readonly KernelSpec[],
  valueOf: (spec: KernelSpec, name: string, text: string) => T,
): ReadonlyMap<string, T> {
  const form = new Map<string, T>();
  for (const text of texts) {
    const [name, value] = nameAndValue(option, what, text);
    if (form.has(name))
      throw usage(`${option} ${name} is given twice`, texts.join(', '), 'one value', 'leave one of them out');
    if (specs.length === 0) {
      throw usage(
        `${option} is for kernels that are asked for`,
        `${option} ${text}, and no kernel`,
        'a kernel of the library, or a spec of your own',
        'add --kernel NAME or --spec FILE',
      );
    }
    const having = specs.filter((spec) => NAMES[option](spec).some((each) => each.name === name));
    if (having.length === 0) throw unknownName(option, what, name, specs);
    const [first] = having.map((spec) => valueOf(spec, name, value));
    form.set(name, first!);
  }
  return form;
}

function nameAndValue(option: FormOption, what: string, text: string): readonly [string, string] {
  const [name = '', value = '', ...rest] = text.split('=').map((part) => part.trim());
  if (name !== '' && value !== '' && rest.length === 0) return [name, value];
  throw usage(
    `${option} names no ${what}`,
    text,
    'NAME=VALUE',
    `write ${option} ${EXAMPLES[option]}, for instance`,
  );
}

function unknownName(
  option: FormOption,
  what: string,
  name: string,
  specs: readonly KernelSpec[],
): RoseError {
  const kernels = specs.map((spec) => spec.name).join(', ');
  const dynamic = specs.find(({ dims }) => option === '--dim' && dims.some((dim) => dim.name === name));
  if (dynamic) {
    return usage(
      `${name} of ${dynamic.name} is known only at launch`,
      name,
      'a static dimension',
      'leave it out',
    );
  }
  const names = [...new Set(specs.flatMap((spec) => NAMES[option](spec).map((each) => each.name)))];
  const near = closest(name, names);
  return usage(
    `${kernels} ${specs.length === 1 ? 'has' : 'have'} no ${what} ${name}`,
    name,
    names.join(', ') || `no ${option}`,
    near === undefined ? 'leave it out' : `did you mean ${near}?`,
  );
}

const sizeOf = (_spec: KernelSpec, _name: string, text: string): number => count('the size in --dim', text)!;

function valueOfFlag(spec: KernelSpec, name: string, text: string): boolean {
  const { choices } = spec.flags.find((flag) => flag.name === name)!;
  const value = choices.find((choice) => String(choice) === text);
  if (value !== undefined) return value;
  throw notAllowed('--flag', spec, name, text, choices.map(String));
}

function dtypeOf(spec: KernelSpec, name: string, text: string): Dtype {
  const { choices } = spec.types.find((type) => type.name === name)!;
  const dtype = choices.find((choice) => choice === text);
  if (dtype !== undefined) return dtype;
  throw notAllowed('--type', spec, name, text, choices);
}

function notAllowed(
  option: FormOption,
  { name: kernel }: KernelSpec,
  name: string,
  text: string,
  choices: readonly string[],
): RoseError {
  const near = closest(text, choices) ?? choices[0]!;
  return usage(
    `${name} of ${kernel} cannot be ${text}`,
    text,
    choices.join(' or '),
    `write ${option} ${name}=${near}, for instance`,
  );
}

/** Dimensions that a binding gives; others are computed from them. */
export const staticDims = (spec: KernelSpec): readonly string[] =>
  spec.dims.filter(({ kind }: DimDecl) => kind === 'static').map(({ name }) => name);

/** What a form says of a spec, in words; empty: nothing. */
export function describeForm({ dims, flags, types }: AskedForm, spec: KernelSpec): string {
  const said = (
    names: readonly { readonly name: string }[],
    values: ReadonlyMap<string, unknown>,
  ): readonly string[] =>
    names.flatMap(({ name }) => (values.has(name) ? [`${name} = ${String(values.get(name))}`] : []));
  return [...said(spec.dims, dims), ...said(spec.flags, flags), ...said(spec.types, types)].join(', ');
}
