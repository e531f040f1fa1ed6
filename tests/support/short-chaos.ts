/** The short run of chaos that `npm test` makes, by its options. */
export const MINUTES = '0.35';
export const EVERY_S = '1.4';
/** Early in its schedule a channel comes while the gateway is away, and the database is killed. */
export const FIXED_SEED = 20_261_548;
