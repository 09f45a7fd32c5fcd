/** The archives of fixtures/archives: what tools write, and what goes wrong with it. `npm run fixtures` writes them. */
import { damagedFixtures } from './damaged-fixtures.ts'
import { hostileFixtures } from './hostile-fixtures.ts'
import { oddFixtures } from './odd-fixtures.ts'
import { validFixtures } from './valid-fixtures.ts'

/** `about`: what it is, in a sentence, which is in the JSON beside it. */
export type ArchiveFixture = { readonly name: string; readonly about: string; readonly make: () => Buffer }

export const archiveFixtures: readonly ArchiveFixture[] = [...validFixtures, ...damagedFixtures, ...hostileFixtures, ...oddFixtures]
