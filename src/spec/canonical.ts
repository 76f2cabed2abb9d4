/** A spec without its places: what its key is made of. Formatting and comments of its file do not count. */

import type { Json } from '../util/hash.js';
import type { KernelSpec } from './types.js';

export function canonicalSpec(spec: KernelSpec): Json {
  const { origin: _origin, ...rest } = spec;
  return strip(rest);
}

function strip(value: unknown): Json {
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== 'object' || value === null) return value as Json;
  return Object.fromEntries(
    Object.entries(value)
      // What values are usual concerns verification alone.
      .filter(([key, field]) => key !== 'span' && key !== 'usual' && field !== undefined)
      .map(([key, field]) => [key, strip(field)]),
  );
}
