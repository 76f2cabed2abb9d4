/** A validated definition -> its declarations: dimensions, types, flags, params and tensors, every name checked. */

import { RoseError } from '../util/errors.js';
import type { KernelDefinition, TensorDefinition } from './definition.js';
import { checkDims } from './dims.js';
import { checkName, DTYPES, Names, unknownName } from './names.js';
import { parseDimExpr } from './parse-dim-expr.js';
import { paragraph } from './printable.js';
import { checkShape, layoutError, parseShapeEntry, parseStride } from './shapes.js';
import type { DimDecl, FlagDecl, ParamDecl, Span, TensorDecl, TypeVar, Usual } from './types.js';
import type { Path, YamlDocument } from './yaml-document.js';

export interface Declarations {
  readonly dims: readonly DimDecl[];
  readonly types: readonly TypeVar[];
  readonly flags: readonly FlagDecl[];
  readonly params: readonly ParamDecl[];
  readonly tensors: readonly TensorDecl[];
  readonly names: Names;
}

/** Raises SPEC_NAME, SPEC_DIM, SPEC_DTYPE, SPEC_LAYOUT, SPEC_SCHEMA. */
export function declare(document: YamlDocument, definition: KernelDefinition): Declarations {
  const names = new Names();
  const dims = dimDecls(document, definition, names);
  const types = Object.entries(definition.types ?? {}).map(([name, choices]): TypeVar => {
    const span = document.keyPlace(['types', name]);
    names.declare('type', name, span);
    return { name, choices, span };
  });
  const flags = Object.entries(definition.flags ?? {}).map(([name, choices]): FlagDecl => {
    const span = document.keyPlace(['flags', name]);
    names.declare('flag', name, span);
    return { name, choices, span };
  });
  const when = (flag: string | undefined, path: Path): { when?: string } => {
    if (flag === undefined) return {};
    if (flags.some(({ name }) => name === flag)) return { when: flag };
    const known = flags.map(({ name }) => name);
    throw unknownName('SPEC_NAME', 'flag', flag, known, document.place([...path, 'when']));
  };
  const params = Object.entries(definition.params ?? {}).map(([name, param]): ParamDecl => {
    const path = ['params', name];
    const span = document.keyPlace(path);
    names.declare('param', name, span);
    return typeof param === 'string'
      ? { name, dtype: param, span }
      : { name, dtype: param.dtype, ...when(param.when, path), span };
  });
  const byName = new Map(dims.map((dim) => [dim.name, dim]));
  const tensors = Object.entries(definition.tensors).map(([name, tensor]): TensorDecl => {
    const path = ['tensors', name];
    const span = document.keyPlace(path);
    names.declare('tensor', name, span);
    const layout = layoutFields(document, tensor, name, path, byName);
    const access = tensor.access ?? 'in';
    const constant = () =>
      checkConstant({ access, ...layout }, name, document.place([...path, 'constant']), byName);
    return {
      name,
      ...layout,
      dtype: tensorDtype(document, tensor, path, types),
      access,
      ...(tensor.constant && { constant: constant() }),
      ...(tensor.align !== undefined && { align: tensor.align }),
      ...when(tensor.when, path),
      ...(tensor.usual !== undefined && { usual: usualOf(tensor.usual, document.place([...path, 'usual'])) }),
      ...(tensor.doc !== undefined && {
        doc: paragraph('doc', tensor.doc, document.place([...path, 'doc'])),
      }),
      span,
    };
  });
  return { dims, types, flags, params, tensors, names };
}

function dimDecls(document: YamlDocument, definition: KernelDefinition, names: Names): readonly DimDecl[] {
  const dims = Object.entries(definition.dims).map(([name, value]): DimDecl => {
    const path = ['dims', name];
    const span = document.keyPlace(path);
    names.declare('dimension', name, span);
    if (typeof value === 'number') return { kind: 'derived', name, value: { kind: 'const', value }, span };
    if (typeof value === 'object') {
      const parts = Object.entries(value.sections).map(([section, dim]) => {
        checkName('a section', section, document.keyPlace([...path, 'sections', section]));
        return { section, dim };
      });
      return { kind: 'sections', name, parts, span };
    }
    const kind = value.trim();
    if (kind === 'dynamic' || kind === 'static') return { kind, name, span };
    return { kind: 'derived', name, value: parseDimExpr(document.excerpt(path), 'SPEC_DIM'), span };
  });
  checkDims(dims);
  const cuts = dims.filter((dim) => dim.kind === 'sections');
  if (cuts.length > 1) {
    throw new RoseError({
      code: 'SPEC_DIM',
      message: 'two dimensions are cut into sections',
      place: cuts[1]!.span,
      actual: cuts.map((dim) => dim.name).join(', '),
      expected: 'one dimension with sections',
      next: 'split the kernel in two',
    });
  }
  return dims;
}

function layoutFields(
  document: YamlDocument,
  tensor: TensorDefinition,
  name: string,
  path: Path,
  dims: ReadonlyMap<string, DimDecl>,
): Pick<TensorDecl, 'shape' | 'strides'> {
  const shape = tensor.shape.map((_, i) => parseShapeEntry(document.excerpt([...path, 'shape', i]), dims));
  checkShape(name, shape, document.place([...path, 'shape']));
  if (!tensor.strides) return { shape };
  const strides = tensor.strides.map((value, i) =>
    parseStride(value, document.excerpt([...path, 'strides', i]), dims),
  );
  if (strides.length !== shape.length) {
    throw layoutError(
      document.place([...path, 'strides']),
      `${name} has ${strides.length} strides for a shape of ${shape.length}`,
      `${strides.length} strides`,
      `${shape.length}, one for each entry of shape`,
      'give each entry its stride',
    );
  }
  return { shape, strides };
}

/** @throws SPEC_LAYOUT where the kernel writes it, or a launch decides its size. */
function checkConstant(
  { access, shape }: Pick<TensorDecl, 'access' | 'shape'>,
  name: string,
  place: Span,
  dims: ReadonlyMap<string, DimDecl>,
): true {
  const refuse = (why: string, actual: string, expected: string): RoseError =>
    layoutError(place, `${name} is constant, and ${why}`, actual, expected, 'leave constant out');
  if (access !== 'in') throw refuse('the kernel writes it', `access: ${access}`, 'access: in');
  const dynamic = shape
    .flatMap((entry) => (entry.kind === 'merged' ? entry.dims : [entry.dim]))
    .find((dim) => dims.get(dim)?.kind === 'dynamic');
  if (dynamic === undefined) return true;
  throw refuse('its size is known at launch alone', `the dimension ${dynamic}`, 'static dimensions');
}

function usualOf([least, largest]: readonly number[], place: Span): Usual {
  if (least! <= largest!) return [least!, largest!];
  throw new RoseError({
    code: 'SPEC_SCHEMA',
    message: 'the usual values of a tensor are none',
    place,
    actual: `from ${least} to ${largest}`,
    expected: 'the least first',
    next: 'swap the two numbers',
  });
}

function tensorDtype(
  document: YamlDocument,
  tensor: TensorDefinition,
  path: Path,
  types: readonly TypeVar[],
): string {
  const known: readonly string[] = [...DTYPES, ...types.map((type) => type.name)];
  if (known.includes(tensor.dtype)) return tensor.dtype;
  throw unknownName('SPEC_DTYPE', 'dtype', tensor.dtype, known, document.place([...path, 'dtype']));
}

/** The kernel's own name: it names files and symbols. Raises SPEC_NAME. */
export function checkKernelName(document: YamlDocument, name: string): void {
  checkName('the kernel', name, document.place(['kernel']), 64);
}
