/** How the data centre answers differences; changeable while it runs. */
export interface WorldLimits {
  /** A difference from further back than this is "too long". @default no limit */
  maxPtsAge: number;
  /**
   * When a channel's difference is "too long": `age` by `maxPtsAge` (what Telegram's documents say today), `limit` also
   * when more than the asked-for limit was missed (what they said before). @default age
   */
  tooLongRule: 'age' | 'limit';
  /** Most events of one difference. @default 100 */
  sliceSize: number;
  /** Seconds that a channel's difference tells the client to wait. @default 30 */
  pollTimeoutS: number;
}

export const DEFAULT_LIMITS: Readonly<WorldLimits> = {
  maxPtsAge: Infinity,
  tooLongRule: 'age',
  sliceSize: 100,
  pollTimeoutS: 30,
};
