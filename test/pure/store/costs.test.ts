import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readCosts, recordCosts } from '../../../src/store/costs.js';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rose-gen-test-'));
  path = join(dir, 'cache', 'costs.json');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('costs add up over builds, newer ones over older ones', async () => {
  expect(await readCosts(path)).toEqual(new Map());
  await recordCosts(
    path,
    new Map([
      ['b', 0.061_234_5],
      ['a', 1],
    ]),
  );
  await recordCosts(path, new Map([['a', 2]]));
  expect(await readCosts(path)).toEqual(
    new Map([
      ['a', 2],
      ['b', 0.0612],
    ]),
  );
  expect(readFileSync(path, 'utf8')).toBe('{\n  "a": 2,\n  "b": 0.0612\n}\n');
});

test('builds that end together lose nothing', async () => {
  await Promise.all(Array.from({ length: 6 }, (_, i) => recordCosts(path, new Map([[`v${i}`, i]]))));
  expect((await readCosts(path)).size).toBe(6);
});

test.each(['{ "a": ', '[1]', 'null', '{"a": "x", "b": -1, "c": null}'])(
  '%p counts as nothing known',
  async (text) => {
    await recordCosts(path, new Map([['x', 1]]));
    writeFileSync(path, text);
    expect((await readCosts(path)).get('a')).toBeUndefined();
    await recordCosts(path, new Map([['x', 2]]));
    expect((await readCosts(path)).get('x')).toBe(2);
  },
);
