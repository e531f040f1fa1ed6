/** What becomes of a data volume that the stack keeps and its configuration no longer has: both engines forget it, and say so. */
export function keptWords(name: string): string {
  return `• ${name}: the volume is kept, with its data`;
}

/** URNs of what the Pulumi CLI would not delete, because it is protected. The words are those of the CLI 3.260.0. */
export function refusedAsProtected(output: string): string[] {
  const plain = output.replace(/\x1b\[[0-9;]*m/g, '');
  const found = plain.matchAll(/resource "(urn:pulumi:[^"]+)" cannot be deleted\s+because it is protected/g);
  return [...new Set([...found].map(([, urn = '']) => urn))];
}
