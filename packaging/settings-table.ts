import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SettingEntry {
  key: string;
  values: string;
  default: string;
  description: string;
}

/**
 * Reads the table that people read, so that there is one text on each setting. A test compares its keys with those that
 * the program knows.
 *
 * @throws Error if the table is not where it was
 */
export function settingsTable(project: string): SettingEntry[] {
  const text = readFileSync(join(project, 'docs', 'operations.md'), 'utf8');
  const section = text.split('\n## ').find((each) => each.startsWith('Settings file\n'));
  const rows = [...(section ?? '').matchAll(/^\| `(\w+)`(.*)\|$/gm)];
  if (rows.length === 0) throw new Error('docs/operations.md: expected a table under "Settings file"');
  return rows.flatMap(([, first = '', rest = '']) => {
    const [others = '', values = '', preset = '', description = ''] = rest.split(' | ');
    // One row may be about several keys.
    const keys = [first, ...[...others.matchAll(/`(\w+)`/g)].map(([, key = '']) => key)];
    return keys.map((key) => ({
      key,
      values: values.trim(),
      default: preset.trim(),
      description: description.trim(),
    }));
  });
}
