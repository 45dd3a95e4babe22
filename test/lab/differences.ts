/** Path by path, what differs between two values of plain data: `path: master X, replica Y`. */
export function differences(master: unknown, replica: unknown, path = ''): string[] {
  if (isPlain(master) && isPlain(replica)) {
    const keys = new Set([...Object.keys(master), ...Object.keys(replica)]);
    return [...keys].flatMap((key) =>
      differences(master[key], replica[key], path === '' ? key : `${path} > ${key}`),
    );
  }
  const [left, right] = [show(master), show(replica)];
  return left === right ? [] : [`${path}: master ${left}, replica ${right}`];
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
