// Command line of the mutation run.

const value = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};

export const options = {
  mutants: Number(value('mutants', '1500')),
  seed: Number(value('seed', '1')),
  kernels: value('kernels')?.split(','),
  level: value('level', 'both'),
  archs: value('arch', 'sm90,sm100').split(','),
  workers: Number(value('workers', '2')),
  store: value('store'),
  /** Where the survivors' PTX is left, for reading. */
  keep: value('keep'),
  write: !process.argv.includes('--dry'),
};
