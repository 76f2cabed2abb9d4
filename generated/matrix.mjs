// The default matrix: what is rendered into this folder.

export const MODELS = ['qwen3-8b', 'qwen3-30b-a3b'];
export const ARCHS = ['sm90', 'sm100'];
