/** `rose-gen pack`: a build -> one bundle for a GPU host with nothing installed. */

import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Bundle, Platform } from '../../pack/index.js';
import { sha256 } from '../../util/hash.js';
import { addOutput, oneOf, repeated, split, usage, type OutputOptions } from '../options.js';
import { mebibytes, print, printJson } from '../output.js';
import { makeProgress } from '../progress.js';

interface PackOptions extends OutputOptions {
  readonly out?: string;
  readonly platform?: string;
  readonly arch?: string;
  readonly kernel?: readonly string[];
  readonly phase?: string;
  readonly ptx?: boolean;
  readonly sim?: boolean;
  readonly node?: string;
}

const ENDING = '.tar.gz';

const EXAMPLES = `
The bundle has manifest, cubins, bindings, the runtime and what it calls the driver with. On the host, which needs no network:
unpack it, run \`node doctor.mjs\` in it, import index.js.

Examples:
  rose-gen pack build/qwen3-8b
  rose-gen pack build/qwen3-8b --arch sm90 --platform linux-arm64 --out qwen3-8b.tar.gz
  rose-gen pack build/qwen3-8b --node current --sim`;

export function registerPack(program: Command): void {
  const command = program
    .command('pack')
    .description('pack a build into one file for a GPU host with nothing installed')
    .argument('<folder>', 'what `rose-gen build` wrote')
    .option(
      '--out <file>',
      `the bundle, ending in ${ENDING} (default: FOLDER-ARCHS-PLATFORM${ENDING} beside the folder)`,
    )
    .option(
      '--platform <name>',
      'of the host: linux-x64, linux-arm64 or win32-x64 (default: this one, else linux-x64)',
    )
    .option('--arch <list>', 'only these architectures of the build')
    .addOption(repeated('--kernel <name>', 'only this kernel; may be repeated'))
    .option('--phase <list>', 'only these phases: decode, prefill')
    .option('--ptx', 'also the PTX')
    .option('--sim', 'also the simulator, and with it the PTX')
    .option('--node <path>', 'also this Node program, of the same platform; `current` for the running one');
  addOutput(command)
    .addHelpText('after', EXAMPLES)
    .action(async (folder: string, options: PackOptions) => {
      const { out, bundle } = await pack(resolve(folder), options);
      const { record, parts, archive } = bundle;
      const hash = sha256(archive);
      if (options.json) printJson({ out, bytes: archive.length, sha256: hash, parts, ...record });
      else
        print(
          `${out}\n${record.variants} variants for ${record.archs.join(', ')}, ${record.platform}: ${mebibytes(archive.length)}, SHA-256 ${hash}`,
        );
    });
}

async function pack(
  folder: string,
  options: PackOptions,
): Promise<{ readonly out: string; readonly bundle: Bundle }> {
  const { assertReplaceable, packBundle, PLATFORMS, writeBundle } = await import('../../pack/index.js');
  const platform = oneOf('platform', options.platform ?? ownPlatform(PLATFORMS), PLATFORMS);
  const out = resolve(options.out ?? (await defaultOut(folder, platform, options)));
  if (!out.endsWith(ENDING) || basename(out) === ENDING)
    throw usage('--out names no archive', out, `a path that ends in ${ENDING}`, `add ${ENDING} to it`);
  await assertReplaceable(out);
  const progress = makeProgress(options.json ?? false);
  const bundle = await progress.run(`packing ${folder}`, () =>
    packBundle({
      folder,
      name: basename(out, ENDING),
      platform,
      ...selection(options),
      ptx: options.ptx ?? false,
      simulator: options.sim ?? false,
      ...(options.node !== undefined && { node: options.node }),
      onPart: ({ name, files, bytes }) => {
        progress.say(`${name.padEnd(8)} ${String(files).padStart(4)} files ${mebibytes(bytes).padStart(10)}`);
      },
    }),
  );
  await writeBundle(out, bundle);
  return { out, bundle };
}

function selection({ arch, kernel, phase }: PackOptions) {
  return {
    ...(arch !== undefined && { archs: split(arch) }),
    ...(kernel !== undefined && { kernels: kernel }),
    ...(phase !== undefined && { phases: split(phase) }),
  };
}

function ownPlatform(platforms: readonly Platform[]): string {
  const own = `${process.platform}-${process.arch}`;
  return platforms.find((each) => each === own) ?? 'linux-x64';
}

/** Beside the build, named after it: `build/qwen3-8b` -> `build/qwen3-8b-sm90-linux-x64.tar.gz`. */
async function defaultOut(folder: string, platform: Platform, { arch }: PackOptions): Promise<string> {
  const { architecture, MANIFEST_FILE, readManifest } = await import('../../device/index.js');
  const archs =
    arch === undefined
      ? (await readManifest(join(folder, MANIFEST_FILE))).archs
      : split(arch).map((name) => architecture(name).name);
  return `${[folder, ...archs, platform].join('-')}${ENDING}`;
}
