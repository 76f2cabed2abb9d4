/** Test tiers: `pure` needs only Node; `toolchain` runs the pinned Python toolchain. */
const tier = (name, extra = {}) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } },
    ],
  },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  ...extra,
});

// Machines of CI are slow, and shared: a time-out is for what hangs.
export default { projects: [tier('pure'), tier('toolchain')], testTimeout: 60_000 };
