import * as pulumi from '@pulumi/pulumi';

/**
 * Base of every component: a type token `telegram:<area>:<Component>`, and children whose names carry the parent's,
 * so that a name in a preview tells where the resource belongs.
 */
export abstract class Component extends pulumi.ComponentResource {
  protected constructor(
    type: `telegram:${string}:${string}`,
    protected readonly componentName: string,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(type, componentName, {}, opts);
  }

  /** Name of a child resource. */
  protected child(suffix: string): string {
    return `${this.componentName}-${suffix}`;
  }

  /** Options of a child; whatever is given is added. */
  protected under(opts: pulumi.CustomResourceOptions = {}): pulumi.CustomResourceOptions {
    return { parent: this, ...opts };
  }
}
