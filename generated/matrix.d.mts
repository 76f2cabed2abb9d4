export declare const MODELS: readonly string[];
export declare const ARCHS: readonly string[];
