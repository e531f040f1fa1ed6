/** First and last address of a CIDR as numbers, or null for what is not IPv4. */
function range(cidr: string): readonly [number, number] | null {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
  if (!match) return null;
  const [a = 0, b = 0, c = 0, d = 0, bits = 32] = match.slice(1).map(Number);
  const size = 2 ** (32 - bits);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const first = address - (address % size);
  return [first, first + size - 1];
}

/** Whether two IPv4 networks share an address. Anything that is not an IPv4 CIDR shares none. */
export function overlaps(one: string, other: string): boolean {
  const [x, y] = [range(one), range(other)];
  return x !== null && y !== null && x[0] <= y[1] && y[0] <= x[1];
}

/** The address with the given last number in a /24. */
export function addressIn(subnet: string, last: number): string {
  return `${subnet.split('.').slice(0, 3).join('.')}.${String(last)}`;
}
