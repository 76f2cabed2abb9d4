/** Manifests of shards -> one manifest. What does not belong together is refused. */

import { architecture, minimumDriverFor } from '../device/arch.js';
import { MANIFEST_SCHEMA, type Manifest, type VariantEntry } from '../device/manifest.js';
import { RoseError } from '../util/errors.js';
import { canonicalJson } from '../util/hash.js';

export interface NamedManifest {
  /** Where it came from, for messages. */
  readonly name: string;
  readonly manifest: Manifest;
}

/** How many names an error shows. */
const SHOWN = 10;

/**
 * One manifest with the variants of all. The same variant in several is fine while they agree; with `expectedIds`,
 * every one of them has to be there and no other.
 * Raises MERGE_CONFLICT for another generator or toolchain, for variants that differ and for gaps.
 */
export function mergeManifests(shards: readonly NamedManifest[], expectedIds?: Iterable<string>): Manifest {
  const first = shards[0];
  if (!first) {
    throw conflict(
      'there is nothing to merge',
      'no manifest',
      'at least one',
      'name the manifests of the shards',
    );
  }
  for (const shard of shards) requireSameMaker(first, shard);
  const variants = new Map<string, { from: string; entry: VariantEntry }>();
  for (const { name, manifest } of shards) {
    for (const entry of manifest.variants) {
      const other = variants.get(entry.id);
      if (other && canonicalJson(other.entry) !== canonicalJson(entry)) {
        throw conflict(
          `${other.from} and ${name} have different builds of ${entry.id}`,
          differences(other.entry, entry),
          'the same entry in both',
          'build both shards from the same specs and models',
        );
      }
      variants.set(entry.id, { from: name, entry });
    }
  }
  if (expectedIds) requireExactly(new Set(expectedIds), new Set(variants.keys()));
  const archs = [...new Set(shards.flatMap(({ manifest }) => manifest.archs))].sort();
  return {
    schema: MANIFEST_SCHEMA,
    generator: first.manifest.generator,
    toolchain: { ...first.manifest.toolchain, minimumDriver: minimumDriverFor(archs.map(architecture)) },
    archs,
    variants: [...variants.keys()].sort().map((id) => variants.get(id)!.entry),
  };
}

/** The driver is left out: it follows from the architectures of a shard. */
function requireSameMaker(first: NamedManifest, shard: NamedManifest): void {
  const maker = ({ manifest }: NamedManifest): Record<string, string> => ({
    'generator.name': manifest.generator.name,
    'generator.version': manifest.generator.version,
    'generator.hash': manifest.generator.hash,
    'toolchain.cutlassDsl': manifest.toolchain.cutlassDsl,
    'toolchain.cudaFlavour': manifest.toolchain.cudaFlavour,
    'toolchain.lockHash': manifest.toolchain.lockHash,
  });
  const [a, b] = [maker(first), maker(shard)];
  const field = Object.keys(a).find((key) => a[key] !== b[key]);
  if (field === undefined) return;
  throw conflict(
    `${first.name} and ${shard.name} were made by different ${field.startsWith('generator') ? 'generators' : 'toolchains'}`,
    `${field} ${b[field]}`,
    a[field]!,
    'build every shard with the same rose-gen',
  );
}

function requireExactly(expected: ReadonlySet<string>, found: ReadonlySet<string>): void {
  const missing = [...expected].filter((id) => !found.has(id)).sort();
  if (missing.length > 0) {
    throw conflict(
      'the shards leave a gap: variants of the plan are in none of them',
      `missing ${list(missing)}`,
      `${expected.size} variants`,
      'build the missing shards, then merge all of them',
    );
  }
  const extra = [...found].filter((id) => !expected.has(id)).sort();
  if (extra.length > 0) {
    throw conflict(
      'the shards hold variants that the plan does not want',
      list(extra),
      `${expected.size} variants`,
      'merge shards of one plan only',
    );
  }
}

function differences(a: VariantEntry, b: VariantEntry): string {
  const fields = Object.keys(a) as (keyof VariantEntry)[];
  return `they differ in ${fields.filter((field) => canonicalJson(a[field]) !== canonicalJson(b[field])).join(', ')}`;
}

function list(ids: readonly string[]): string {
  const more = ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : '';
  return `${ids.slice(0, SHOWN).join(', ')}${more}`;
}

function conflict(message: string, actual: string, expected: string, next: string): RoseError {
  return new RoseError({ code: 'MERGE_CONFLICT', message, actual, expected, next });
}
