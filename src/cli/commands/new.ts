/** `rose-gen new NAME`: a spec to start from. */

import { writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Command } from 'commander';
import { RoseError } from '../../util/errors.js';
import { packagePath } from '../../util/package-root.js';
import { errorCode, errorMessage } from '../../util/system-error.js';
import { addOutput, type OutputOptions } from '../options.js';
import { print, printJson } from '../output.js';

export function registerNew(program: Command): void {
  const command = program
    .command('new')
    .argument('<name>', 'name of the kernel: small letters, digits and underscores')
    .description('write NAME.yaml, a spec to start from');
  addOutput(command)
    .addHelpText('after', '\nExample:\n  rose-gen new soft_cap')
    .action(async (name: string, options: OutputOptions) => {
      const { parseSpec } = await import('../../spec/index.js');
      const text = starter(name);
      // A name that is no identifier is refused before anything is written, so that it names no path either.
      parseSpec(text, 'the new spec');
      const file = `${name}.yaml`;
      await writeNew(file, text);
      if (options.json) printJson({ file });
      else
        print(
          `wrote ${file}; try it:\n  rose-gen build --model qwen3-8b --spec ${file} --kernel ${name} --watch`,
        );
    });
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    const exists = errorCode(error) === 'EEXIST';
    throw new RoseError({
      code: 'OUTPUT_IO',
      message: exists ? `${file} is there already` : `${file} cannot be written`,
      actual: exists ? 'a file of that name' : errorMessage(error),
      expected: 'a new file',
      next: exists ? 'choose another name, or remove the file' : 'make the folder writable',
      cause: error,
    });
  }
}

/** The first line is where editors find the schema. */
function starter(name: string): string {
  const schema = relative(process.cwd(), packagePath('schemas/spec.schema.json')).replaceAll('\\', '/');
  return `# yaml-language-server: $schema=${schema.startsWith('.') ? schema : `./${schema}`}
kernel: ${JSON.stringify(name)}
doc: Weights each row and caps it smoothly.
dims: { tokens: dynamic, hidden: static }
types: { T: [bf16, f16] }
params: { cap: f32 }
tensors:
  x: { shape: [tokens, hidden], dtype: T }
  weight: { shape: [hidden], dtype: T, constant: true }
  out: { shape: [tokens, hidden], dtype: T, access: out }
formula: |
  y   = f32(x) * f32(weight)
  out = T(tanh(y / cap) * cap)
`;
}
