import { local } from '@pulumi/command';
import type * as pulumi from '@pulumi/pulumi';
import { VERSIONS_FILE, type StackContext } from './stack-context.js';

/** Fails `up` when a part of the image is below its security floor; for production stacks whose owner did not accept that. */
export function refuseBelowFloor(
  stack: StackContext,
  name: string,
  args: { readonly image: pulumi.Input<string>; readonly acceptedBy: string },
  opts: pulumi.CustomResourceOptions,
): local.Command {
  return new local.Command(
    name,
    {
      create: `versions=$(docker run --rm --network none --entrypoint cat "$IMAGE" ${VERSIONS_FILE}) || exit 1
case "$versions" in
*' below'*) printf '%s\\nbelow the security floor; use another image source or set ${args.acceptedBy}\\n' "$versions" >&2; exit 1 ;;
esac`,
      environment: { IMAGE: args.image, ...(stack.dockerHost && { DOCKER_HOST: stack.dockerHost }) },
      logging: local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    },
    opts,
  );
}
