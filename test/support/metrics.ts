// Reads GET /metrics of a server: the sum of what a metric says, over all labels or some.

export type Labels = Readonly<Record<string, string>>;

/** The sum of the samples with this name that have all these labels; 0 if there is none. */
export async function metric(url: string, name: string, labels: Labels = {}): Promise<number> {
  const response = await fetch(`${url}/metrics`);
  if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`);
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const samples = (await response.text()).split('\n').filter((line) => {
    if (!line.startsWith(`${name} `) && !line.startsWith(`${name}{`)) return false;
    return wanted.every((label) => line.includes(label));
  });
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** How many errors the server made that should not happen. */
export function defects(url: string): Promise<number> {
  return metric(url, 'rejoin_defects_total');
}
