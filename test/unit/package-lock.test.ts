import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Record<string, string>;
}

/**
 * `npm install` behind a registry that lacks another platform's prebuilt package drops that package from the lock
 * without a word, and `npm ci` then refuses the lock ("Missing: …@ from lock file").
 */
describe('package-lock.json', () => {
  test('holds every optional package of every platform, and no address of a registry', async () => {
    const text = await readFile(new URL('../../../package-lock.json', import.meta.url), 'utf8');
    const { packages } = JSON.parse(text) as { packages: Record<string, LockedPackage> };
    const missing = Object.entries(packages).flatMap(([where, locked]) =>
      Object.keys(locked.optionalDependencies ?? {}).filter(
        (name) => !(`node_modules/${name}` in packages) && !(`${where}/node_modules/${name}` in packages),
      ),
    );
    expect(missing).toEqual([]);
    expect(Object.values(packages).filter(({ resolved }) => resolved?.startsWith('http'))).toEqual([]);
  });
});
