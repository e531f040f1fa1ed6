/** How a login talks with a person, or with a script in their place. */
export interface Talk {
  /** False: answers are lines of stdin, and nothing can be asked twice for free. */
  readonly interactive: boolean;
  /** One line, without the blanks around it. Rejects with LOGIN_INPUT when there will be no answer. */
  ask(question: string): Promise<string>;
  /** The same without showing what is typed. */
  askSecret(question: string): Promise<string>;
  say(text: string): void;
  /** Shows these lines in place of those shown before; none takes them away. */
  draw(lines: readonly string[]): void;
}
