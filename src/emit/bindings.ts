/**
 * Manifest -> typed TypeScript bindings, made with ts-morph.
 *
 * One function for each kernel and combination of dtypes and flags, so that a call with a tensor of another dtype does not
 * type-check. A binding names the variants it may launch; the runtime picks one by architecture, phase and dims.
 */

import type { Manifest, VariantEntry } from '../device/index.js';
import { canonicalJson } from '../util/hash.js';

/** Deterministic: the text depends on the manifest alone. */
export async function renderBindings(manifest: Manifest): Promise<string> {
  const { IndentationText, Project, QuoteKind } = await import('ts-morph');
  const project = new Project({
    useInMemoryFileSystem: true,
    manipulationSettings: { indentationText: IndentationText.TwoSpaces, quoteKind: QuoteKind.Single },
  });
  const file = project.createSourceFile('bindings.ts');
  file.addStatements([
    '// Typed bindings of the kernels in manifest.json. Rendered by rose-gen, do not edit.',
    `import type { KernelLauncher, LaunchOptions, Tensor } from 'rose-gen/device';`,
  ]);
  for (const group of groupVariants(manifest)) {
    const first = group.variants[0]!;
    const type = pascalCase(group.name);
    file.addInterface({
      name: `${type}Arguments`,
      isExported: true,
      docs: [`Arguments of ${first.kernel}.`],
      properties: [
        ...first.tensors.map((tensor) => ({
          name: tensor.name,
          type: `Tensor<'${tensor.dtype}'>`,
          isReadonly: true,
          docs: [
            `(${tensor.shape.map((extent) => shapeText(extent)).join(', ')}) ${tensor.dtype}, ${ACCESS[tensor.access]}, aligned to ${tensor.alignment} bytes`,
          ],
        })),
        ...first.params.flatMap((param) =>
          param.source.kind === 'scalar'
            ? [{ name: param.name, type: 'number', isReadonly: true, docs: [param.kind] }]
            : [],
        ),
      ],
    });
    file.addFunction({
      name: camelCase(group.name),
      isExported: true,
      docs: [
        `Launches ${first.kernel} (${describe(first)}); picks among ${group.variants.length} variants by architecture, phase and dims.`,
      ],
      parameters: [
        { name: 'launcher', type: 'KernelLauncher' },
        { name: 'args', type: `${type}Arguments` },
        { name: 'options', type: 'LaunchOptions', hasQuestionToken: true },
      ],
      returnType: 'void',
      statements: [
        `launcher.launch(${canonicalJson({ kernel: first.kernel, types: first.types, flags: staticFlags(first) })}, { ...args }, options);`,
      ],
    });
  }
  return file.getFullText();
}

const ACCESS = { in: 'read', out: 'written', inout: 'updated in place' } as const;

interface Group {
  readonly name: string;
  readonly variants: readonly VariantEntry[];
}

function groupVariants(manifest: Manifest): readonly Group[] {
  const groups = new Map<string, VariantEntry[]>();
  for (const variant of manifest.variants) {
    const flags = Object.entries(staticFlags(variant))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([flag, on]) => (on === true ? [flag] : on === false ? [] : [`${flag}_${on}`]));
    const types = Object.entries(variant.types).sort(([a], [b]) => (a < b ? -1 : 1));
    const name = [variant.kernel, ...types.map(([, dtype]) => dtype), ...flags].join('_');
    groups.set(name, [...(groups.get(name) ?? []), variant]);
  }
  return [...groups]
    .map(([name, variants]) => ({ name, variants }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Flags that the caller chooses by the function's name; dependent launch is the launcher's affair. */
function staticFlags(variant: VariantEntry): Readonly<Record<string, boolean | number | string>> {
  return Object.fromEntries(Object.entries(variant.flags).filter(([flag]) => flag !== 'dependent_launch'));
}

function describe(variant: VariantEntry): string {
  return (
    Object.entries(variant.types)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, dtype]) => `${name} = ${dtype}`)
      .join(', ') || 'no type variables'
  );
}

function shapeText(extent: VariantEntry['tensors'][number]['shape'][number]): string {
  switch (extent.kind) {
    case 'const':
      return String(extent.value);
    case 'dim':
      return extent.name;
    case 'binary':
      return `${shapeText(extent.left)} ${{ add: '+', sub: '-', mul: '*', div: '/', ceilDiv: '/', mod: '%', min: 'min', max: 'max' }[extent.op]} ${shapeText(extent.right)}`;
    default:
      return extent.kind;
  }
}

const pascalCase = (name: string): string =>
  name
    .split('_')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
const camelCase = (name: string): string =>
  pascalCase(name).replace(/^[A-Z]/, (letter) => letter.toLowerCase());
