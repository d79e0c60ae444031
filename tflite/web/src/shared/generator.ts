/**
 * A model that generates: two functions with explicit state, see shared/generator.py.
 *
 *     encode(condition)   -> state
 *     step(symbol, state) -> outputs, state
 *
 * The LiteRT runtime has a heap of its own, from which nothing is collected: a `State` lives until
 * `release`, and what a step only reads (`Memory`) until `releaseMemory`.
 */
import {loadAndCompile, Tensor} from '@litertjs/core';
import type {CompiledModel} from '@litertjs/core';

export type Values = Float32Array | Int32Array | Uint8Array;
export type Arrays = Record<string, Values>;
export type State = Record<string, Tensor>;

interface Described {
  name: string;
  role: 'condition' | 'symbol' | 'state' | 'memory' | 'outputs';
  shape: number[];
  dtype: 'float32' | 'int32' | 'uint8';
}

/** What `bundle.json` tells. */
export interface Bundle {
  app: string;
  preset: string;
  model: string;
  license: string;
  license_note: string;
  commercial_use: boolean;
  data: string[];
  decoding: Record<string, unknown>;
  config: Record<string, unknown>;
  signatures: Record<'encode' | 'step', {inputs: Described[]; outputs: Described[]}>;
  files: Record<string, {bytes: number; sha256: string}>;
}

export interface Stepped {
  outputs: Record<string, Float32Array>;
  state: State;
}

export interface Generator {
  encode(condition: Arrays): Promise<{state: State; memory: State}>;
  /** The old state is left as it is. */
  step(symbol: Arrays, state: State, memory: State): Promise<Stepped>;
}

/** A bundle that LiteRT runs on WebAssembly; `loadLiteRt` comes first. */
export class LiteRtGenerator implements Generator {
  private constructor(
    readonly bundle: Bundle,
    private readonly model: CompiledModel,
  ) {}

  static async open(bundle: Bundle, model: Uint8Array): Promise<LiteRtGenerator> {
    return new LiteRtGenerator(bundle, await loadAndCompile(model, {accelerator: 'wasm'}));
  }

  async encode(condition: Arrays) {
    const {inputs, outputs} = this.bundle.signatures.encode;
    const given = tensors(condition, inputs);
    const results = await this.model.run('encode', given);
    release(given);
    const state: State = {};
    const memory: State = {};
    for (const {name, role} of outputs) (role === 'state' ? state : memory)[name] = results[name];
    return {state, memory};
  }

  async step(symbol: Arrays, state: State, memory: State): Promise<Stepped> {
    const {inputs, outputs} = this.bundle.signatures.step;
    const given = tensors(symbol, inputs);
    const results = await this.model.run('step', {...given, ...state, ...memory});
    release(given);
    const read: Record<string, Float32Array> = {};
    const next: State = {};
    for (const {name, role} of outputs) {
      if (role === 'state') {
        next[name] = results[name];
      } else {
        read[name] = results[name].toTypedArray() as Float32Array;
        results[name].delete();
      }
    }
    return {outputs: read, state: next};
  }
}

function tensors(arrays: Arrays, described: Described[]): State {
  const made: State = {};
  for (const {name, role, shape} of described) {
    if (role === 'condition' || role === 'symbol') {
      made[name] = new Tensor(arrays[name] as Float32Array<ArrayBuffer>, shape);
    }
  }
  return made;
}

/** Frees tensors. */
export function release(state: State): void {
  for (const tensor of Object.values(state)) if (!tensor.deleted) tensor.delete();
}
