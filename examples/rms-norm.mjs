// RMSNorm of four rows, on a GPU or in the simulator: node examples/rms-norm.mjs FOLDER [cuda|sim]
// FOLDER is what `rose-gen build --model qwen3-8b --kernel rms_norm --out FOLDER` wrote.
import { openLibrary } from 'rose-gen/runtime';

const [folder, device = 'sim'] = process.argv.slice(2);
const library = await openLibrary(folder, { device });

const hidden = library.variants.find(({ kernel }) => kernel === 'rms_norm').dims.hidden;
const rows = 4;
const values = Float32Array.from({ length: rows * hidden }, (_, i) => Math.sin(i));
const x = library.tensor('bf16', [rows, hidden], { values });
const weight = library.tensor('bf16', [hidden], { values: new Float32Array(hidden).fill(1) });
const out = library.tensor('bf16', [rows, hidden]);

const choice = { kernel: 'rms_norm', types: { T: 'bf16' }, flags: { gated: false, unit_offset: false } };
library.launch(choice, { x, weight, out, eps: 1e-6 });
await library.device.synchronize();

const [input, result] = [x.read(), out.read()];
let worst = 0;
for (let row = 0; row < rows; row++) {
  const of = (list) => list.subarray(row * hidden, (row + 1) * hidden);
  const scale = 1 / Math.sqrt(of(input).reduce((sum, value) => sum + value * value, 0) / hidden + 1e-6);
  of(input).forEach((value, i) => (worst = Math.max(worst, Math.abs(of(result)[i] - value * scale))));
}
console.log(`${library.device.name}: ${library.why({ ...choice, rows }).variant}`);
console.log(`largest difference from the formula: ${worst.toExponential(1)}`);
for (const tensor of [x, weight, out]) tensor.close();
library.close();
