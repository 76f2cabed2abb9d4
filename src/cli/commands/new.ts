/** `rose-gen new NAME`: a spec to start from. */

import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { RoseError } from '../../util/errors.js';
import { errorCode, errorMessage } from '../../util/system-error.js';
import { print } from '../output.js';

export function registerNew(program: Command): void {
  program
    .command('new')
    .argument('<name>', 'name of the kernel: small letters, digits and underscores')
    .description('write NAME.yaml, a spec to start from')
    .addHelpText('after', '\nExample:\n  rose-gen new soft_cap')
    .action(async (name: string) => {
      const { parseSpec } = await import('../../spec/index.js');
      const text = starter(name);
      // A name that is no identifier is refused before anything is written.
      parseSpec(text, `${name}.yaml`);
      const file = `${name}.yaml`;
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
      print(`wrote ${file}; see docs/spec-language.md, then:\n  rose-gen explain --help`);
    });
}

function starter(name: string): string {
  return `# yaml-language-server: $schema=https://json-schema.org/draft-07/schema
kernel: ${JSON.stringify(name)}
doc: Scales each row by a weight and caps it smoothly.
dims: { tokens: dynamic, hidden: static }
types: { T: [bf16, f16] }
params: { cap: f32 }
tensors:
  x: { shape: [tokens, hidden], dtype: T }
  weight: { shape: [hidden], dtype: T }
  out: { shape: [tokens, hidden], dtype: T, access: out }
formula: |
  y = f32(x) * f32(weight)
  out = T(tanh(y / cap) * cap)
`.replace(/^# yaml-language-server.*\n/, '');
}
