/** The bundle's own small texts: package.json, the module that opens it, the doctor's first lines, README.txt. */

import { BUNDLE_FILE, LAYOUT, type BundleRecord } from './bundle.js';

export type BundleHeading = Omit<BundleRecord, 'files'>;

export function packageText({ generator, node, platform }: BundleHeading): string {
  const [os, cpu] = platform.split('-');
  const fields = {
    name: generator.name,
    version: generator.version,
    private: true,
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: `>=${node.minimum}` },
    os: [os],
    cpu: [cpu],
    exports: {
      '.': './index.js',
      './runtime': `./${LAYOUT.runtime}/runtime/index.js`,
      './errors': `./${LAYOUT.runtime}/util/errors.js`,
      './kernels': `./${LAYOUT.kernels}/bindings.js`,
      './package.json': './package.json',
    },
  };
  return `${JSON.stringify(fields, undefined, 2)}\n`;
}

export const INDEX_TEXT = `// The runtime, the bindings of the kernels, and the folder that openLibrary takes.
import { fileURLToPath } from 'node:url';

export * from './${LAYOUT.runtime}/runtime/index.js';
export * as kernels from './${LAYOUT.kernels}/bindings.js';
export const kernelsFolder = fileURLToPath(new URL('${LAYOUT.kernels}', import.meta.url));
`;

/** Where the doctor itself does not load, this names the files that are damaged. */
export const DOCTOR_TEXT = `// Checks this bundle and this machine: node doctor.mjs [--json] [--driver PATH]
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const args = process.argv.slice(2);
const read = (path) => readFileSync(new URL(path, import.meta.url));

function isDamaged({ path, sha256 }) {
  try {
    return createHash('sha256').update(read(path)).digest('hex') !== sha256;
  } catch {
    return true;
  }
}

function damage(error) {
  const found = 'the doctor does not load: ' + error.message;
  try {
    const { files } = JSON.parse(read('${BUNDLE_FILE}'));
    return [found, ...files.filter(isDamaged).map(({ path }) => path + ' is damaged')].join('; ');
  } catch (cause) {
    return found + '; ${BUNDLE_FILE} cannot be read: ' + cause.message;
  }
}

let doctor;
try {
  doctor = await import('./${LAYOUT.runtime}/pack/doctor.js');
} catch (error) {
  const finding = { id: 'files', status: 'wrong', found: damage(error), fix: 'unpack the archive again' };
  if (args.includes('--json')) console.log(JSON.stringify([finding], undefined, 2));
  else console.log('wrong    files      ' + finding.found + '\\n                    fix: ' + finding.fix);
  process.exitCode = 1;
}
if (doctor) process.exitCode = await doctor.runDoctor(fileURLToPath(new URL('.', import.meta.url)), args);
`;

export function readmeText({ archs, platform, node, minimumDriver, variants }: BundleHeading): string {
  const program = node.included ?? 'node';
  return `GPU kernels and the runtime that launches them. Nothing has to be installed and no network is needed.

For ${platform} with a GPU of ${archs.join(', ')} (${variants} kernel variants), NVIDIA driver ${minimumDriver} or later,
${node.included === undefined ? `Node ${node.minimum} or later` : `and the Node in ${node.included}`}.
1. Check this machine and these files:  ${program} doctor.mjs
2. In a program of your own, beside this file or anywhere else:
     import { openLibrary, kernels, kernelsFolder } from '/path/to/this/folder/index.js';
     const library = await openLibrary(kernelsFolder);
3. Make tensors with library.tensor(dtype, shape) and call the functions of \`kernels\` (${LAYOUT.kernels}/bindings.js).
Licences: LICENSE for this software, ${LAYOUT.packages}/koffi/LICENSE.txt for koffi. BUNDLE.json lists every file.
`;
}
