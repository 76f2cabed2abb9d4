#!/usr/bin/env node
// The command line; its code is in dist/, which `npm run build` makes.

import { existsSync } from 'node:fs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const main = new URL('../dist/cli/main.js', import.meta.url);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`rose-gen needs Node 20.19 or newer; this is Node ${process.versions.node}`);
  process.exitCode = 3;
} else if (!existsSync(main)) {
  console.error('rose-gen is not built yet: run `npm run build` in its folder');
  process.exitCode = 3;
} else {
  // Whoever reads the output may stop early, as `head` does.
  process.stdout.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  const { run } = await import(main.href);
  process.exitCode = await run(process.argv);
}
