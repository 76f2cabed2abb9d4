/** The layers of ARCHITECTURE.md: each may import those listed, and itself. */
const layers = {
  util: [],
  device: ['util'],
  spec: ['util'],
  layout: ['util'],
  plan: ['util', 'device', 'spec'],
  ir: ['util', 'spec', 'layout'],
  passes: ['util', 'device', 'spec', 'layout', 'plan', 'ir'],
  emit: ['util', 'device', 'spec', 'layout', 'plan', 'ir', 'passes'],
  toolchain: ['util', 'device'],
  store: ['util', 'device'],
  sim: ['util', 'device'],
  verify: ['util', 'device', 'spec', 'layout', 'plan', 'ir', 'sim', 'store', 'toolchain'],
  build: [
    'util',
    'device',
    'spec',
    'layout',
    'plan',
    'ir',
    'passes',
    'emit',
    'toolchain',
    'store',
    'sim',
    'verify',
  ],
  bench: ['util', 'device', 'spec', 'verify', 'runtime'],
  tune: ['util', 'device', 'spec', 'plan', 'ir', 'build', 'verify', 'runtime', 'bench'],
  pack: ['util', 'device', 'emit', 'build', 'runtime'],
  // The simulator alone, and only where a program asks for the `sim` device.
  runtime: ['util', 'device', 'sim'],
  engine: ['util', 'device', 'runtime'],
  server: ['util', 'device', 'runtime', 'engine'],
};

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '(^src/index|^src/cli/main)\\.ts$' },
      to: {},
    },
    {
      name: 'nobody-imports-the-cli',
      severity: 'error',
      from: { pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      from: { path: '^src' },
      to: { dependencyTypes: ['npm-dev'] },
    },
    {
      name: 'runtime-loads-sim-lazily',
      severity: 'error',
      from: { path: '^src/runtime/' },
      to: { path: '^src/sim/', dependencyTypesNot: ['dynamic-import'] },
    },
    { name: 'not-resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...Object.entries(layers).map(([layer, allowed]) => ({
      name: `layer-${layer}`,
      severity: 'error',
      from: { path: `^src/${layer}/` },
      to: { path: '^src/', pathNot: `^src/(${[layer, ...allowed].join('|')})/` },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
