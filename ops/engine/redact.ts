/** Shorter strings are ordinary words; taking them out would make messages unreadable and protect nothing. */
const SHORTEST_SECRET = 6;
const SHORTEST_LINE = 12;

/** Fields that arrive inside a secret object (a connection, an upload) without being secret themselves. */
const PUBLIC_FIELDS = new Set([
  'host',
  'hostKey',
  'user',
  'file',
  'permissions',
  'name',
  'type',
  'containerPath',
  'agentSocketPath',
]);

const MARK = '[secret]';

/**
 * Takes every secret the run has met out of a text. Promised: no learned secret, none of its lines, and no `KEY=value` half
 * of it appears in a cleaned text. Not promised: secrets the program never marked, or encodings other than plain and JSON.
 */
export class Redactor {
  readonly #known = new Set<string>();
  #ordered: readonly string[] | undefined;

  learn(value: unknown): void {
    if (typeof value === 'string') {
      this.#learnText(value);
    } else if (Array.isArray(value)) {
      for (const inner of value) this.learn(inner);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) if (!PUBLIC_FIELDS.has(key)) this.learn(inner);
    }
  }

  clean(text: string): string {
    // The longest first: a secret that contains another one must not be left half visible.
    this.#ordered ??= [...this.#known].sort((a, b) => b.length - a.length);
    let cleaned = text;
    for (const secret of this.#ordered) if (cleaned.includes(secret)) cleaned = cleaned.replaceAll(secret, MARK);
    return cleaned;
  }

  #learnText(text: string): void {
    this.#add(text.trim(), SHORTEST_SECRET);
    this.#add(JSON.stringify(text.trim()).slice(1, -1), SHORTEST_SECRET);
    // An environment entry is secret as a whole; its value alone is what would show up in a log.
    const assignment = /^[A-Za-z_][A-Za-z0-9_]*=(.+)$/s.exec(text);
    if (assignment?.[1] !== undefined) this.#add(assignment[1].trim(), SHORTEST_SECRET);
    if (text.includes('\n')) for (const line of text.split('\n')) this.#add(line.trim(), SHORTEST_LINE);
  }

  #add(text: string, shortest: number): void {
    if (text.length < shortest || this.#known.has(text)) return;
    this.#known.add(text);
    this.#ordered = undefined;
  }
}
