import * as pulumi from '@pulumi/pulumi';
import { keyOf } from './entry.js';
import { EngineError } from './errors.js';
import type { ResourceOptions } from './plan.js';

/** Options whose silent absence would do something else than the program says. */
const UNSUPPORTED = ['hooks', 'import', 'replaceWith', 'replacementTrigger'] as const;

const NO_OPTIONS: ResourceOptions = { ignoreChanges: [], replaceOnChanges: [], additionalSecretOutputs: [] };

/**
 * Collects the options of every resource: the mocks interface passes on its type, name and inputs only. Hung into the root
 * resource as a transformation it sees all descendants while they are made, that is before they are applied. `dependsOn`,
 * `parent` and `provider` need no record, the SDK itself honours them.
 */
export class OptionsRecorder {
  readonly #byKey = new Map<string, ResourceOptions>();
  readonly #byResource = new WeakMap<pulumi.Resource, { readonly key: string; readonly options: ResourceOptions }>();

  readonly transformation: pulumi.ResourceTransformation = ({ resource, type, name, props, opts }) => {
    // A live reference to a resource that exists already; it is not made again.
    if (opts.urn !== undefined) return undefined;
    const key = keyOf(type, name);
    const options = this.#read(key, opts);
    this.#byKey.set(key, options);
    this.#byResource.set(resource, { key, options });
    if (resource instanceof pulumi.CustomResource) this.#learnSecrets(props);
    return undefined;
  };

  /** `learn` gets every secret value that goes into a resource. */
  constructor(private readonly learn: (secret: unknown) => void) {}

  optionsOf(key: string): ResourceOptions {
    return this.#byKey.get(key) ?? NO_OPTIONS;
  }

  /**
   * Here the single secret values can still be told apart: the mocks interface marks the whole input that one of them is in,
   * and hiding all of a container's environment would make its log unreadable.
   */
  #learnSecrets(value: unknown): void {
    if (pulumi.Output.isInstance(value)) {
      // A failed output is reported by the resource that needs it.
      this.#learnIfSecret(value).catch(() => undefined);
    } else if (Array.isArray(value)) {
      for (const inner of value) this.#learnSecrets(inner);
    } else if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
      for (const inner of Object.values(value)) this.#learnSecrets(inner);
    }
  }

  async #learnIfSecret(output: pulumi.Output<unknown>): Promise<void> {
    if (await pulumi.isSecret(output)) output.apply(this.learn);
  }

  #read(key: string, opts: pulumi.CustomResourceOptions): ResourceOptions {
    for (const option of UNSUPPORTED) {
      if (opts[option] !== undefined) {
        throw new EngineError(
          'ENGINE_UNSUPPORTED',
          `${key}: the option ${option} is not supported by the embedded engine`,
        );
      }
    }
    // These three pass from a component to what is in it.
    const inherited = opts.parent === undefined ? undefined : this.#byResource.get(opts.parent)?.options;
    const host = opts.deletedWith === undefined ? undefined : this.#byResource.get(opts.deletedWith)?.key;
    const protect = opts.protect ?? inherited?.protect;
    const retainOnDelete = opts.retainOnDelete ?? inherited?.retainOnDelete;
    const deletedWith = host ?? inherited?.deletedWith;
    return {
      ...(protect !== undefined && { protect }),
      ...(retainOnDelete !== undefined && { retainOnDelete }),
      ...(deletedWith !== undefined && { deletedWith }),
      ...(opts.deleteBeforeReplace !== undefined && { deleteBeforeReplace: opts.deleteBeforeReplace }),
      ignoreChanges: opts.ignoreChanges ?? [],
      replaceOnChanges: opts.replaceOnChanges ?? [],
      additionalSecretOutputs: opts.additionalSecretOutputs ?? [],
    };
  }
}
