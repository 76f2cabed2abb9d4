import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { Peers } from '../../../src/bench/peers.js';
import { packagePath } from '../../../src/util/package-root.js';

const FOLDER = JSON.stringify(packagePath('python/peers'));

/** The loop of the peers' process, with handlers that need no torch. */
const STUB = `
import os, sys
sys.path.insert(0, ${FOLDER})
import protocol
answers = protocol.claim_stdout()
answers.write('{"ready": true, "device": "none", "peers": {"torch": null}}\\n')

def round(request):
    print("chatter of a library")
    os.write(1, b"chatter from below Python\\n")
    if request["peer"] == "broken":
        raise RuntimeError("out of memory")
    if request["peer"] == "leaving":
        sys.exit(3)
    return {"microseconds": [float(request["replays"])]}

protocol.serve({"round": round}, sys.stdin, answers)
`;

async function withPeers<T>(use: (peers: Peers) => Promise<T>): Promise<T> {
  const peers = new Peers('python3', ['-c', STUB]);
  try {
    await peers.ready();
    return await use(peers);
  } finally {
    await peers[Symbol.asyncDispose]();
  }
}

describe('the loop of the peers', () => {
  test('answers under the number of the request, whatever a handler prints', async () => {
    await withPeers(async (peers) => {
      const both = await Promise.all([peers.timed('a').round(3), peers.timed('a').round(4)]);
      expect(both).toEqual([[3], [4]]);
    });
  });

  test.each([
    ['broken', 'RuntimeError: out of memory'],
    ['leaving', 'SystemExit: 3'],
  ])('goes on after a handler that fails: %s', async (peer, actual) => {
    await withPeers(async (peers) => {
      await expect(peers.timed(peer).round(1)).rejects.toMatchObject({ code: 'PEERS', actual });
      expect(await peers.timed('a').round(7)).toEqual([7]);
    });
  });

  test('refuses an operation that it does not have', async () => {
    await withPeers(async (peers) => {
      await expect(peers.release()).rejects.toMatchObject({
        actual: 'ValueError: there is no operation release',
      });
    });
  });
});

describe('a machine that lacks what peers need', () => {
  test('without torch the process says so and ends', async () => {
    // None in sys.modules is a module that cannot be imported, whether it is installed or not.
    const blocked = `
import runpy, sys
sys.modules["torch"] = None
runpy.run_path(${JSON.stringify(packagePath('python/peers/worker.py'))}, run_name="__main__")
`;
    const peers = new Peers('python3', ['-c', blocked]);
    try {
      const actual = expect.stringContaining('torch cannot be imported by ') as unknown;
      await expect(peers.ready()).rejects.toMatchObject({ code: 'PEERS', actual });
    } finally {
      await peers[Symbol.asyncDispose]();
    }
  });

  test('each peer that is not there has its reason', () => {
    const script = `
import json, sys
sys.path.insert(0, ${FOLDER})
import registry

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name == "broken_library":
            raise RuntimeError("needs a newer driver")

sys.meta_path.insert(0, Blocker())
found = registry.find({
    "there": ("protocol", "json", "no distribution"),
    "missing": ("protocol", "a_library_that_is_nowhere", "x"),
    "half": ("a_file_of_ours_that_is_nowhere", "json", "x"),
    "broken": ("protocol", "broken_library", "x"),
})
print(json.dumps([found.versions, found.reasons, sorted(found.modules)]))
`;
    const [versions, reasons, modules] = JSON.parse(
      execFileSync('python3', ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    ) as [Record<string, string | null>, Record<string, string>, string[]];
    expect(versions).toMatchObject({
      there: expect.any(String) as unknown,
      missing: null,
      half: null,
      broken: null,
    });
    expect(reasons).toEqual({
      missing: 'not installed',
      half: 'a_file_of_ours_that_is_nowhere is not installed',
      broken: 'RuntimeError: needs a newer driver',
    });
    expect(modules).toEqual(['there']);
  });

  test('every file of the peers is Python', () => {
    const script = `
import ast, pathlib, sys
for file in sorted(pathlib.Path(${FOLDER}).glob("*.py")):
    ast.parse(file.read_text(), file.name)
    print(file.name)
`;
    const names = execFileSync('python3', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
    expect(names).toEqual(
      expect.arrayContaining(['worker.py', 'session.py', 'torch_moe.py', 'triton_experts.py']),
    );
  });
});
