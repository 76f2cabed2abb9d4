import { loadSpecs } from '../../../src/spec/index.js';
import { formatPlan, knownModels, loadModel, plan } from '../../../src/plan/index.js';
test('show', async () => {
  const specs = [...(await loadSpecs('specs')).values()];
  const dir = 'test/pure/plan/configs';
  let out = '';
  for (const m of [...(await knownModels()), `${dir}/llama-3.1-8b`, `${dir}/gemma-3-4b`, `${dir}/deepseek-v3`, `${dir}/mistral-7b-v0.3`, `${dir}/bert-base`]) {
    out += formatPlan(plan({ model: await loadModel(m), archs: ['sm90'], phases: ['prefill'], specs })) + '\n';
  }
  for (const m of ['qwen3-30b-a3b', 'qwen3-next-80b-a3b', `${dir}/gemma-3-4b`, 'all-minilm-l6-v2'])
    for (const quant of ['fp8', 'int8'])
    out += formatPlan(plan({ model: await loadModel(m), archs: ['sm80', 'sm90'], phases: ['prefill'], specs, quant, kvDtype: 'fp8' })) + '\n';
  (await import('node:fs')).writeFileSync('/tmp/plan/out.txt', out);
}, 60000);
