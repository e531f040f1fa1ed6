/** What a finished resource went through. `keep`: dropped from the state, the thing itself stays. */
export type EngineAction = 'create' | 'update' | 'replace' | 'delete' | 'keep' | 'same';

/** Progress of a run, for the screen. No text in it carries a secret the engine knows of. */
export type EngineEvent =
  | {
      readonly kind: 'start';
      readonly action: EngineAction;
      readonly type: string;
      readonly name: string;
      readonly reason: string;
    }
  | { readonly kind: 'output'; readonly type: string; readonly name: string; readonly line: string }
  | {
      readonly kind: 'done';
      readonly action: EngineAction;
      readonly type: string;
      readonly name: string;
      readonly ms: number;
    }
  | { readonly kind: 'failed'; readonly type: string; readonly name: string; readonly message: string };

/** How many resources went through what; a kept one counts in none. */
export interface Changes {
  create: number;
  update: number;
  replace: number;
  delete: number;
  same: number;
}
