import { readFileSync } from 'node:fs';

export interface NetworkBytes {
  readonly received: number;
  readonly sent: number;
}

/**
 * Bytes that all interfaces but loopback have carried since they came up: of the machine for a unit, of its own
 * network for a container. `/proc/self/net/dev`, because a hardened unit sees no other part of `/proc`. Zero where
 * there is no such file.
 */
export function networkBytes(table = procNetDev()): NetworkBytes {
  return table
    .split('\n')
    .map((line) => /^\s*([^\s:]+):\s*(\d+)(?:\s+\d+){7}\s+(\d+)/.exec(line))
    .filter((match) => match !== null && match[1] !== 'lo')
    .reduce((sum, match) => ({ received: sum.received + Number(match?.[2]), sent: sum.sent + Number(match?.[3]) }), {
      received: 0,
      sent: 0,
    });
}

function procNetDev(): string {
  try {
    return readFileSync('/proc/self/net/dev', 'utf8');
  } catch {
    return '';
  }
}
