import { localCommand } from './command-local.js';
import { remoteCommand } from './command-remote.js';
import { copyToRemote } from './copy-to-remote.js';
import { container } from './docker-container.js';
import { image } from './docker-image.js';
import { network } from './docker-network.js';
import { volume } from './docker-volume.js';
import type { Handler } from './handler.js';
import { dockerProvider, plainProvider } from './provider.js';
import { randomBytesHandler, randomId, randomPassword } from './random.js';

/** Everything the embedded engine can apply, by type token. */
export const HANDLERS: Readonly<Record<string, Handler | undefined>> = {
  'pulumi:providers:docker': dockerProvider,
  'pulumi:providers:command': plainProvider,
  'pulumi:providers:random': plainProvider,
  'docker:index/network:Network': network,
  'docker:index/volume:Volume': volume,
  'docker:index/remoteImage:RemoteImage': image,
  'docker:index/container:Container': container,
  'command:local:Command': localCommand,
  'command:remote:Command': remoteCommand,
  'command:remote:CopyToRemote': copyToRemote,
  'random:index/randomPassword:RandomPassword': randomPassword,
  'random:index/randomBytes:RandomBytes': randomBytesHandler,
  'random:index/randomId:RandomId': randomId,
};
