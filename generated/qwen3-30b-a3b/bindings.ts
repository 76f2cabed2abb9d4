// Typed bindings of the kernels in manifest.json. Rendered by rose-gen, do not edit.
import type { KernelLauncher, LaunchOptions, Tensor } from 'rose-gen/device';

/** Arguments of add_rms_norm. */
export interface AddRmsNormBf16Arguments {
  /** (tokens, 2048) bf16, read, aligned to 32 bytes */
  readonly x: Tensor<'bf16'>;
  /** (tokens, 2048) bf16, updated in place, aligned to 32 bytes */
  readonly residual: Tensor<'bf16'>;
  /** (2048) bf16, read, aligned to 32 bytes */
  readonly weight: Tensor<'bf16'>;
  /** (tokens, 2048) bf16, written, aligned to 32 bytes */
  readonly out: Tensor<'bf16'>;
  /** f32 */
  readonly eps: number;
}

/** Launches add_rms_norm (T = bf16); picks among 4 variants by architecture, phase and dims. */
export function addRmsNormBf16(launcher: KernelLauncher, args: AddRmsNormBf16Arguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{"unit_offset":false},"kernel":"add_rms_norm","types":{"T":"bf16"}}, { ...args }, options);
}

/** Arguments of count_tokens. */
export interface CountTokensArguments {
  /** (rows) i32, read, aligned to 4 bytes */
  readonly token: Tensor<'i32'>;
  /** (rows, 151936) i32, updated in place, aligned to 4 bytes */
  readonly counts: Tensor<'i32'>;
}

/** Launches count_tokens (no type variables); picks among 2 variants by architecture, phase and dims. */
export function countTokens(launcher: KernelLauncher, args: CountTokensArguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{},"kernel":"count_tokens","types":{}}, { ...args }, options);
}

/** Arguments of embedding. */
export interface EmbeddingI32Bf16Arguments {
  /** (tokens) i32, read, aligned to 4 bytes */
  readonly ids: Tensor<'i32'>;
  /** (vocab, 2048) bf16, read, aligned to 32 bytes */
  readonly table: Tensor<'bf16'>;
  /** (tokens, 2048) bf16, written, aligned to 32 bytes */
  readonly out: Tensor<'bf16'>;
}

/** Launches embedding (I = i32, T = bf16); picks among 4 variants by architecture, phase and dims. */
export function embeddingI32Bf16(launcher: KernelLauncher, args: EmbeddingI32Bf16Arguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{},"kernel":"embedding","types":{"I":"i32","T":"bf16"}}, { ...args }, options);
}

/** Arguments of greedy. */
export interface GreedyF32Arguments {
  /** (rows, 151936) f32, read, aligned to 32 bytes */
  readonly logits: Tensor<'f32'>;
  /** (rows) i32, written, aligned to 4 bytes */
  readonly token: Tensor<'i32'>;
}

/** Launches greedy (L = f32); picks among 4 variants by architecture, phase and dims. */
export function greedyF32(launcher: KernelLauncher, args: GreedyF32Arguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{},"kernel":"greedy","types":{"L":"f32"}}, { ...args }, options);
}

/** Arguments of moe_combine. */
export interface MoeCombineBf16Arguments {
  /** (rows, 2048) bf16, read, aligned to 32 bytes */
  readonly x: Tensor<'bf16'>;
  /** (tokens, 8) i32, read, aligned to 4 bytes */
  readonly slot: Tensor<'i32'>;
  /** (tokens, 8) f32, read, aligned to 4 bytes */
  readonly weight: Tensor<'f32'>;
  /** (tokens, 2048) bf16, written, aligned to 32 bytes */
  readonly out: Tensor<'bf16'>;
}

/** Launches moe_combine (T = bf16); picks among 4 variants by architecture, phase and dims. */
export function moeCombineBf16(launcher: KernelLauncher, args: MoeCombineBf16Arguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{"gated":false,"residual":false,"shared":false},"kernel":"moe_combine","types":{"T":"bf16"}}, { ...args }, options);
}

/** Arguments of moe_combine_rms_norm. */
export interface MoeCombineRmsNormBf16Arguments {
  /** (rows, 2048) bf16, read, aligned to 32 bytes */
  readonly x: Tensor<'bf16'>;
  /** (tokens, 8) i32, read, aligned to 4 bytes */
  readonly slot: Tensor<'i32'>;
  /** (tokens, 8) f32, read, aligned to 4 bytes */
  readonly weight: Tensor<'f32'>;
  /** (tokens, 2048) bf16, updated in place, aligned to 32 bytes */
  readonly residual: Tensor<'bf16'>;
  /** (2048) bf16, read, aligned to 32 bytes */
  readonly gain: Tensor<'bf16'>;
  /** (tokens, 2048) bf16, written, aligned to 32 bytes */
  readonly out: Tensor<'bf16'>;
  /** f32 */
  readonly eps: number;
}

/** Launches moe_combine_rms_norm (T = bf16); picks among 4 variants by architecture, phase and dims. */
export function moeCombineRmsNormBf16(launcher: KernelLauncher, args: MoeCombineRmsNormBf16Arguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{"gated":false,"shared":false,"unit_offset":false},"kernel":"moe_combine_rms_norm","types":{"T":"bf16"}}, { ...args }, options);
}

/** Arguments of moe_dispatch. */
export interface MoeDispatchBf16Arguments {
  /** (tokens, 8) i32, read, aligned to 4 bytes */
  readonly ids: Tensor<'i32'>;
  /** (tokens, 2048) bf16, read, aligned to 32 bytes */
  readonly x: Tensor<'bf16'>;
  /** (tokens, 8) i32, written, aligned to 4 bytes */
  readonly slot: Tensor<'i32'>;
  /** (rows) i32, written, aligned to 4 bytes */
  readonly source: Tensor<'i32'>;
  /** (128) i32, written, aligned to 4 bytes */
  readonly counts: Tensor<'i32'>;
  /** (128) i32, written, aligned to 4 bytes */
  readonly starts: Tensor<'i32'>;
  /** (128) i32, written, aligned to 4 bytes */
  readonly ends: Tensor<'i32'>;
  /** (2) i32, written, aligned to 4 bytes */
  readonly errors: Tensor<'i32'>;
  /** (rows, 2048) bf16, written, aligned to 32 bytes */
  readonly out: Tensor<'bf16'>;
  /** i32 */
  readonly first: number;
}

/** Launches moe_dispatch (T = bf16); picks among 2 variants by architecture, phase and dims. */
export function moeDispatchBf16(launcher: KernelLauncher, args: MoeDispatchBf16Arguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{},"kernel":"moe_dispatch","types":{"T":"bf16"}}, { ...args }, options);
}

/** Arguments of moe_move. */
export interface MoeMoveBf16Arguments {
  /** (tokens, 2048) bf16, read, aligned to 32 bytes */
  readonly x: Tensor<'bf16'>;
  /** (tokens, 8) i32, read, aligned to 4 bytes */
  readonly slot: Tensor<'i32'>;
  /** (rows, 2048) bf16, written, aligned to 32 bytes */
  readonly out: Tensor<'bf16'>;
}

/** Launches moe_move (T = bf16); picks among 2 variants by architecture, phase and dims. */
export function moeMoveBf16(launcher: KernelLauncher, args: MoeMoveBf16Arguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{},"kernel":"moe_move","types":{"T":"bf16"}}, { ...args }, options);
}

/** Arguments of moe_permute. */
export interface MoePermuteArguments {
  /** (tokens, 8) i32, read, aligned to 4 bytes */
  readonly ids: Tensor<'i32'>;
  /** (tokens, 8) i32, written, aligned to 4 bytes */
  readonly slot: Tensor<'i32'>;
  /** (rows) i32, written, aligned to 4 bytes */
  readonly source: Tensor<'i32'>;
  /** (128) i32, written, aligned to 4 bytes */
  readonly counts: Tensor<'i32'>;
  /** (128) i32, written, aligned to 4 bytes */
  readonly starts: Tensor<'i32'>;
  /** (128) i32, written, aligned to 4 bytes */
  readonly ends: Tensor<'i32'>;
  /** (2) i32, written, aligned to 4 bytes */
  readonly errors: Tensor<'i32'>;
  /** i32 */
  readonly first: number;
}

/** Launches moe_permute (no type variables); picks among 2 variants by architecture, phase and dims. */
export function moePermute(launcher: KernelLauncher, args: MoePermuteArguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{},"kernel":"moe_permute","types":{}}, { ...args }, options);
}

/** Arguments of moe_route. */
export interface MoeRouteBf16RenormaliseSoftmaxArguments {
  /** (tokens, 128) bf16, read, aligned to 8 bytes */
  readonly logits: Tensor<'bf16'>;
  /** (tokens, 8) i32, written, aligned to 4 bytes */
  readonly ids: Tensor<'i32'>;
  /** (tokens, 8) f32, written, aligned to 4 bytes */
  readonly weights: Tensor<'f32'>;
  /** f32 */
  readonly scale: number;
}

/** Launches moe_route (L = bf16); picks among 4 variants by architecture, phase and dims. */
export function moeRouteBf16RenormaliseSoftmax(launcher: KernelLauncher, args: MoeRouteBf16RenormaliseSoftmaxArguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{"biased":false,"renormalise":true,"softmax":true},"kernel":"moe_route","types":{"L":"bf16"}}, { ...args }, options);
}

/** Arguments of qk_norm_rope_cache. */
export interface QkNormRopeCacheBf16F32Bf16NormArguments {
  /** (tokens, 40, 128) bf16, read, aligned to 32 bytes */
  readonly qkv: Tensor<'bf16'>;
  /** (128) bf16, read, aligned to 32 bytes */
  readonly q_weight: Tensor<'bf16'>;
  /** (128) bf16, read, aligned to 32 bytes */
  readonly k_weight: Tensor<'bf16'>;
  /** (positions, 128) f32, read, aligned to 32 bytes */
  readonly cos_sin: Tensor<'f32'>;
  /** (tokens) i64, read, aligned to 8 bytes */
  readonly position: Tensor<'i64'>;
  /** (tokens) i64, read, aligned to 8 bytes */
  readonly slot: Tensor<'i64'>;
  /** (tokens, 32, 128) bf16, written, aligned to 32 bytes */
  readonly q: Tensor<'bf16'>;
  /** (pages, 16, 4, 128) bf16, written, aligned to 32 bytes */
  readonly k_cache: Tensor<'bf16'>;
  /** (pages, 16, 4, 128) bf16, written, aligned to 32 bytes */
  readonly v_cache: Tensor<'bf16'>;
  /** f32 */
  readonly eps: number;
}

/** Launches qk_norm_rope_cache (C = bf16, R = f32, T = bf16); picks among 4 variants by architecture, phase and dims. */
export function qkNormRopeCacheBf16F32Bf16Norm(launcher: KernelLauncher, args: QkNormRopeCacheBf16F32Bf16NormArguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{"norm":true,"quantised":false},"kernel":"qk_norm_rope_cache","types":{"C":"bf16","R":"f32","T":"bf16"}}, { ...args }, options);
}

/** Arguments of ragged_expand. */
export interface RaggedExpandArguments {
  /** (256) i32, read, aligned to 4 bytes */
  readonly starts: Tensor<'i32'>;
  /** (256) i32, read, aligned to 32 bytes */
  readonly ends: Tensor<'i32'>;
  /** (256) i32, read, aligned to 4 bytes */
  readonly cached: Tensor<'i32'>;
  /** (tokens) i32, written, aligned to 4 bytes */
  readonly sequence: Tensor<'i32'>;
  /** (tokens) i32, written, aligned to 4 bytes */
  readonly position: Tensor<'i32'>;
}

/** Launches ragged_expand (no type variables); picks among 2 variants by architecture, phase and dims. */
export function raggedExpand(launcher: KernelLauncher, args: RaggedExpandArguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{},"kernel":"ragged_expand","types":{}}, { ...args }, options);
}

/** Arguments of ragged_offsets. */
export interface RaggedOffsetsArguments {
  /** (256) i32, read, aligned to 4 bytes */
  readonly lengths: Tensor<'i32'>;
  /** (256) i32, written, aligned to 4 bytes */
  readonly starts: Tensor<'i32'>;
  /** (256) i32, written, aligned to 4 bytes */
  readonly ends: Tensor<'i32'>;
}

/** Launches ragged_offsets (no type variables); picks among 2 variants by architecture, phase and dims. */
export function raggedOffsets(launcher: KernelLauncher, args: RaggedOffsetsArguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{},"kernel":"ragged_offsets","types":{}}, { ...args }, options);
}

/** Arguments of rms_norm. */
export interface RmsNormBf16Arguments {
  /** (tokens, 2048) bf16, read, aligned to 32 bytes */
  readonly x: Tensor<'bf16'>;
  /** (2048) bf16, read, aligned to 32 bytes */
  readonly weight: Tensor<'bf16'>;
  /** (tokens, 2048) bf16, written, aligned to 32 bytes */
  readonly out: Tensor<'bf16'>;
  /** f32 */
  readonly eps: number;
}

/** Launches rms_norm (T = bf16); picks among 4 variants by architecture, phase and dims. */
export function rmsNormBf16(launcher: KernelLauncher, args: RmsNormBf16Arguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{"gated":false,"unit_offset":false},"kernel":"rms_norm","types":{"T":"bf16"}}, { ...args }, options);
}

/** Arguments of sample_top_k_top_p. */
export interface SampleTopKTopPF32Arguments {
  /** (rows, 151936) f32, read, aligned to 16 bytes */
  readonly logits: Tensor<'f32'>;
  /** (rows) f32, read, aligned to 4 bytes */
  readonly temperature: Tensor<'f32'>;
  /** (rows) i32, read, aligned to 4 bytes */
  readonly top_k: Tensor<'i32'>;
  /** (rows) f32, read, aligned to 4 bytes */
  readonly top_p: Tensor<'f32'>;
  /** (rows) f32, read, aligned to 4 bytes */
  readonly min_p: Tensor<'f32'>;
  /** (rows) i64, read, aligned to 8 bytes */
  readonly seed: Tensor<'i64'>;
  /** (rows) i64, read, aligned to 8 bytes */
  readonly offset: Tensor<'i64'>;
  /** (rows) i32, written, aligned to 4 bytes */
  readonly token: Tensor<'i32'>;
}

/** Launches sample_top_k_top_p (L = f32); picks among 4 variants by architecture, phase and dims. */
export function sampleTopKTopPF32(launcher: KernelLauncher, args: SampleTopKTopPF32Arguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{"biased":false,"masked":false,"penalised":false},"kernel":"sample_top_k_top_p","types":{"L":"f32"}}, { ...args }, options);
}

/** Arguments of sample_top_k_top_p. */
export interface SampleTopKTopPF32BiasedMaskedPenalisedArguments {
  /** (rows, 151936) f32, read, aligned to 16 bytes */
  readonly logits: Tensor<'f32'>;
  /** (rows) f32, read, aligned to 4 bytes */
  readonly temperature: Tensor<'f32'>;
  /** (rows) i32, read, aligned to 4 bytes */
  readonly top_k: Tensor<'i32'>;
  /** (rows) f32, read, aligned to 4 bytes */
  readonly top_p: Tensor<'f32'>;
  /** (rows) f32, read, aligned to 4 bytes */
  readonly min_p: Tensor<'f32'>;
  /** (rows) i64, read, aligned to 8 bytes */
  readonly seed: Tensor<'i64'>;
  /** (rows) i64, read, aligned to 8 bytes */
  readonly offset: Tensor<'i64'>;
  /** (rows, 151936) i32, read, aligned to 16 bytes */
  readonly counts: Tensor<'i32'>;
  /** (rows) f32, read, aligned to 4 bytes */
  readonly repetition: Tensor<'f32'>;
  /** (rows) f32, read, aligned to 4 bytes */
  readonly frequency: Tensor<'f32'>;
  /** (rows) f32, read, aligned to 4 bytes */
  readonly presence: Tensor<'f32'>;
  /** (rows, 151936) f32, read, aligned to 16 bytes */
  readonly bias: Tensor<'f32'>;
  /** (rows, 4748) i32, read, aligned to 4 bytes */
  readonly mask: Tensor<'i32'>;
  /** (rows) i32, written, aligned to 4 bytes */
  readonly token: Tensor<'i32'>;
}

/** Launches sample_top_k_top_p (L = f32); picks among 2 variants by architecture, phase and dims. */
export function sampleTopKTopPF32BiasedMaskedPenalised(launcher: KernelLauncher, args: SampleTopKTopPF32BiasedMaskedPenalisedArguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{"biased":true,"masked":true,"penalised":true},"kernel":"sample_top_k_top_p","types":{"L":"f32"}}, { ...args }, options);
}

/** Arguments of sample_top_k_top_p. */
export interface SampleTopKTopPF32MaskedArguments {
  /** (rows, 151936) f32, read, aligned to 16 bytes */
  readonly logits: Tensor<'f32'>;
  /** (rows) f32, read, aligned to 4 bytes */
  readonly temperature: Tensor<'f32'>;
  /** (rows) i32, read, aligned to 4 bytes */
  readonly top_k: Tensor<'i32'>;
  /** (rows) f32, read, aligned to 4 bytes */
  readonly top_p: Tensor<'f32'>;
  /** (rows) f32, read, aligned to 4 bytes */
  readonly min_p: Tensor<'f32'>;
  /** (rows) i64, read, aligned to 8 bytes */
  readonly seed: Tensor<'i64'>;
  /** (rows) i64, read, aligned to 8 bytes */
  readonly offset: Tensor<'i64'>;
  /** (rows, 4748) i32, read, aligned to 4 bytes */
  readonly mask: Tensor<'i32'>;
  /** (rows) i32, written, aligned to 4 bytes */
  readonly token: Tensor<'i32'>;
}

/** Launches sample_top_k_top_p (L = f32); picks among 2 variants by architecture, phase and dims. */
export function sampleTopKTopPF32Masked(launcher: KernelLauncher, args: SampleTopKTopPF32MaskedArguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{"biased":false,"masked":true,"penalised":false},"kernel":"sample_top_k_top_p","types":{"L":"f32"}}, { ...args }, options);
}

/** Arguments of slot_mapping. */
export interface SlotMappingArguments {
  /** (tokens) i32, read, aligned to 4 bytes */
  readonly sequence: Tensor<'i32'>;
  /** (tokens) i32, read, aligned to 4 bytes */
  readonly position: Tensor<'i32'>;
  /** (sequences, blocks) i32, read, aligned to 4 bytes */
  readonly block_table: Tensor<'i32'>;
  /** (tokens) i64, written, aligned to 8 bytes */
  readonly slot: Tensor<'i64'>;
}

/** Launches slot_mapping (no type variables); picks among 4 variants by architecture, phase and dims. */
export function slotMapping(launcher: KernelLauncher, args: SlotMappingArguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{},"kernel":"slot_mapping","types":{}}, { ...args }, options);
}

/** Arguments of swiglu. */
export interface SwigluBf16Arguments {
  /** (tokens, 1536) bf16, read, aligned to 32 bytes */
  readonly gate_up: Tensor<'bf16'>;
  /** (tokens, 768) bf16, written, aligned to 32 bytes */
  readonly out: Tensor<'bf16'>;
}

/** Launches swiglu (T = bf16); picks among 4 variants by architecture, phase and dims. */
export function swigluBf16(launcher: KernelLauncher, args: SwigluBf16Arguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{},"kernel":"swiglu","types":{"T":"bf16"}}, { ...args }, options);
}

/** Arguments of token_logprob. */
export interface TokenLogprobF32Arguments {
  /** (rows, 151936) f32, read, aligned to 32 bytes */
  readonly logits: Tensor<'f32'>;
  /** (rows) i32, read, aligned to 4 bytes */
  readonly token: Tensor<'i32'>;
  /** (rows) f32, written, aligned to 4 bytes */
  readonly logprob: Tensor<'f32'>;
  /** (rows) i32, written, aligned to 4 bytes */
  readonly place: Tensor<'i32'>;
}

/** Launches token_logprob (L = f32); picks among 4 variants by architecture, phase and dims. */
export function tokenLogprobF32(launcher: KernelLauncher, args: TokenLogprobF32Arguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{},"kernel":"token_logprob","types":{"L":"f32"}}, { ...args }, options);
}

/** Arguments of top_logprobs. */
export interface TopLogprobsF32Arguments {
  /** (rows, 151936) f32, read, aligned to 16 bytes */
  readonly logits: Tensor<'f32'>;
  /** (rows, 20) i32, written, aligned to 4 bytes */
  readonly ids: Tensor<'i32'>;
  /** (rows, 20) f32, written, aligned to 4 bytes */
  readonly logprobs: Tensor<'f32'>;
}

/** Launches top_logprobs (L = f32); picks among 2 variants by architecture, phase and dims. */
export function topLogprobsF32(launcher: KernelLauncher, args: TopLogprobsF32Arguments, options?: LaunchOptions): void {
  launcher.launch({"flags":{},"kernel":"top_logprobs","types":{"L":"f32"}}, { ...args }, options);
}
