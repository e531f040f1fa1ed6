/** What `docs/errors.md` says of one code, besides the command of its table. */
export interface ErrorText {
  /** What happened, in one or two sentences. */
  readonly what: string;
  /** Why it happens. */
  readonly why: string;
  /** What to do beyond the one line of the error; run again and it goes on. */
  readonly todo: string;
  /** As it appears, without the `docs:` line. */
  readonly example?: string;
}
