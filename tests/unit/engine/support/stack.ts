import { expect } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineEvent } from '../../../../ops/engine/events.js';
import type * as pulumi from '@pulumi/pulumi';
import { destroyEmbedded, runEmbedded, type RunResult } from '../../../../ops/engine/run.js';

/** A state folder of its own, and the engine on it. */
export class TryStack {
  readonly folder = mkdtempSync(join(tmpdir(), 'engine-'));
  readonly stateDir = join(this.folder, 'state');
  readonly events: EngineEvent[] = [];

  async up(program: () => unknown, config: Record<string, string> = {}, signal?: AbortSignal): Promise<RunResult> {
    return runEmbedded({ ...this.where(), program, config, ...(signal && { signal }) });
  }

  async destroy(): Promise<void> {
    await destroyEmbedded(this.where());
  }

  /** `action name` of all that was finished, in order. */
  get done(): string[] {
    return this.events.flatMap((event) => (event.kind === 'done' ? [`${event.action} ${event.name}`] : []));
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The engine's options for this state. */
  where() {
    const onEvent = (event: EngineEvent): void => {
      this.events.push(event);
    };
    return { project: 'try', stack: 'unit', stateDir: this.stateDir, onEvent };
  }
}

/** A program that makes this and has no outputs. */
export function only(resource: pulumi.Resource): void {
  expect(resource).toBeDefined();
}
