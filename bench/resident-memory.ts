/** Resident memory of a process in MB, by what it says of itself at `/metrics`; null while it does not answer. */
export async function residentMb(metricsUrl: string): Promise<number | null> {
  try {
    const response = await fetch(metricsUrl, { signal: AbortSignal.timeout(10_000) });
    const bytes = /^process_resident_memory_bytes(?:\{.*\})? (\S+)$/m.exec(await response.text())?.[1];
    return bytes === undefined ? null : Math.round(Number(bytes) / 2 ** 20);
  } catch {
    return null;
  }
}
