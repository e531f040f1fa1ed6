/** What the migration needs of the two gateways; `old-gateway.ts` and `new-gateway.ts` are the real ones. */

/** The gateway that is left: a container and its sessions. Only `stop`, `start` and `putSession` change anything. */
export interface OldGateway {
  /** Null where there is no such container. */
  isRunning(): Promise<boolean | null>;
  /** Its restart policy; `stop` sets it to `no`. */
  restartPolicy(): Promise<string>;
  /** Stops it, so that not even a restart of Docker brings it back. */
  stop(): Promise<void>;
  start(restartPolicy: string): Promise<void>;
  /** Every file of its sessions as a tar archive. */
  sessions(): Promise<Buffer>;
  /** Replaces that session; owner and mode of the file stay. */
  putSession(name: string, session: string): Promise<void>;
}

/** The gateway of this stack, on its host. */
export interface NewGateway {
  /** The session there; null without one. */
  session(): Promise<string | null>;
  stop(): Promise<void>;
  /** Replaces what is there, mode 0600. The gateway must not run. */
  install(session: string): Promise<void>;
  /** Id of the account that Telegram names for the installed session; throws where it refuses it. */
  account(): Promise<string>;
  /** Takes the session away, with all that could start with it. */
  remove(): Promise<void>;
  /** Lets it run as before the migration: without a session, waiting for one. */
  wait(): Promise<void>;
  /** Starts it and waits until it is ready. */
  start(): Promise<void>;
}
