import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Artifact } from '../../../src/store/artifact.js';
import { getOrBuild } from '../../../src/store/get-or-build.js';
import { HttpStore } from '../../../src/store/http-store.js';
import { LayeredStore } from '../../../src/store/layered-store.js';
import { LocalStore, type StoreNotice } from '../../../src/store/local-store.js';
import { openStore } from '../../../src/store/open-store.js';
import { sha256 } from '../../../src/util/hash.js';

/** A server that keeps what it is given, as bazel-remote does: /cas/SHA only with matching bytes. */
const kept = new Map<string, Buffer>();
let requests: string[];
let seen: IncomingMessage['headers'][];
/** What the server does instead of its work. */
let fault: ((path: string) => { status: number; body?: string } | 'hang' | undefined) | undefined;
let server: Server;
let url: string;

beforeEach(async () => {
  kept.clear();
  [requests, seen, fault] = [[], [], undefined];
  server = createServer((request, response) => {
    const path = request.url!;
    requests.push(`${request.method} ${path.slice(0, 9)}`);
    seen.push(request.headers);
    const what = fault?.(path);
    if (what === 'hang') return;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (what) response.writeHead(what.status).end(what.body);
      else if (request.method === 'PUT') {
        const body = Buffer.concat(chunks);
        const right = !path.includes('/cas/') || path.endsWith(sha256(body));
        if (right) kept.set(path, body);
        response.writeHead(right ? 200 : 400).end();
      } else if (kept.has(path)) response.writeHead(200).end(kept.get(path));
      else response.writeHead(404).end('not here');
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const key = sha256('key');
const artifact: Artifact = {
  files: { ptx: Buffer.from('// ptx'), cubin: Buffer.from([0, 255]) },
  info: { registers: 39 },
};
const failure = (actual: unknown = expect.any(String)): unknown =>
  expect.objectContaining({ code: 'STORE_IO', actual });

describe('HttpStore', () => {
  test('stores by GET and PUT of /ac/KEY and /cas/SHA', async () => {
    const store = new HttpStore(url);
    expect(await store.get(key)).toBeUndefined();
    await store.put(key, artifact);
    expect([...kept.keys()].sort()).toEqual(
      [`/ac/${key}`, ...Object.values(artifact.files).map((data) => `/cas/${sha256(data)}`)].sort(),
    );
    expect(await store.get(key)).toEqual(artifact);
    expect(await store.lookup(key)).toMatchObject({ key, info: { registers: 39 } });
    expect(requests.filter((line) => line.startsWith('PUT')).at(-1)).toMatch(/^PUT \/ac/); // blobs first
  });

  test('a path in the URL is kept, and credentials become a header', async () => {
    await new HttpStore(`${url.replace('//', '//me:s%20cret@')}/team/cache`).put(key, artifact);
    expect(kept.has(`/team/cache/ac/${key}`)).toBe(true);
    expect(seen[0]!.authorization).toBe(`Basic ${Buffer.from('me:s cret').toString('base64')}`);
    await new HttpStore(url, { token: 'abc' }).get(key);
    expect(seen.at(-1)!.authorization).toBe('Bearer abc');
  });

  test('nothing is believed: wrong bytes, half an entry and missing blobs are misses', async () => {
    const store = new HttpStore(url);
    await store.put(key, artifact);
    const entry = kept.get(`/ac/${key}`)!;
    const ptx = `/cas/${sha256(artifact.files['ptx']!)}`;
    kept.set(ptx, Buffer.from('// pty'));
    expect(await store.get(key)).toBeUndefined();
    kept.delete(ptx);
    expect(await store.get(key)).toBeUndefined();
    kept.set(`/ac/${key}`, entry.subarray(0, 50));
    expect(await store.get(key)).toBeUndefined();
    kept.set(`/ac/${key}`, Buffer.from('<html>log in</html>'));
    expect(await store.lookup(key)).toBeUndefined();
  });

  test('a server that fails, hangs, sends too much or is not there is STORE_IO', async () => {
    fault = () => ({ status: 503, body: 'later' });
    await expect(new HttpStore(url).get(key)).rejects.toEqual(failure('HTTP status 503 Service Unavailable'));
    await expect(new HttpStore(url).put(key, artifact)).rejects.toEqual(failure());
    fault = () => 'hang';
    await expect(new HttpStore(url, { timeoutMs: 100 }).get(key)).rejects.toEqual(failure());
    fault = () => ({ status: 200, body: 'x'.repeat(10_000) });
    await expect(new HttpStore(url, { maxBytes: 5000 }).get(key)).rejects.toEqual(
      failure('an answer of more than 5000 bytes'),
    );
    await expect(new HttpStore('http://127.0.0.1:9/').get(key)).rejects.toEqual(failure());
  });

  test.each(['', 'cache', 'ftp://host/', 'file:///etc'])('%p is no URL of a store', (bad) => {
    expect(() => new HttpStore(bad)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('LayeredStore', () => {
  let dir: string;
  let local: LocalStore;
  let notices: StoreNotice[];
  const onNotice = (notice: StoreNotice): unknown => notices.push(notice);
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'rose-gen-test-'));
    local = new LocalStore(dir);
    notices = [];
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test('copies hits down and new artifacts up', async () => {
    await new LayeredStore(local, new HttpStore(url)).put(key, artifact);
    expect(await local.get(key)).toEqual(artifact);
    expect(kept.size).toBe(3);

    const elsewhere = new LocalStore(join(dir, 'elsewhere'));
    const layered = new LayeredStore(elsewhere, new HttpStore(url));
    expect(await layered.lookup(key)).toMatchObject({ info: { registers: 39 } });
    expect(await elsewhere.get(key)).toEqual(artifact);
    requests = [];
    expect(await layered.get(key)).toEqual(artifact);
    expect(requests).toEqual([]);
    expect((await getOrBuild(layered, key, () => Promise.reject(new Error('no build')))).built).toBe(false);
  });

  test('goes on without a remote store that fails, says so once and asks it no more', async () => {
    fault = () => ({ status: 500 });
    const layered = new LayeredStore(local, new HttpStore(url), { onNotice });
    expect(await layered.get(key)).toBeUndefined();
    await layered.put(key, artifact);
    expect(await layered.get(key)).toEqual(artifact);
    expect(notices).toEqual([
      { kind: 'remote', message: expect.stringContaining('going on without it') as unknown },
    ]);
    expect(requests).toHaveLength(1);
  });

  test('fails with one that is required', async () => {
    fault = () => ({ status: 500 });
    const layered = new LayeredStore(local, new HttpStore(url), { required: true, onNotice });
    await expect(layered.get(key)).rejects.toEqual(failure());
    await expect(layered.put(key, artifact)).rejects.toEqual(failure());
    expect(notices).toEqual([]);
  });

  test('openStore puts the two together', async () => {
    const store = await openStore(join(dir, 'opened'), { remote: url });
    await store.put(key, artifact);
    expect(kept.size).toBe(3);
    expect(await openStore(join(dir, 'opened'), { remote: '' })).toBeInstanceOf(LocalStore);
  });
});
