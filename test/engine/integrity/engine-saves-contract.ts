import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { checkImageDirectory, checkImageFile } from '../../../src/integrity/check-image-file.ts'
import { checkBytes, sampledBits, unnoticedBits, validCuts } from '../../images/damage.ts'
import { makeEngineSaves, type EngineSaves } from '../../images/engine-saves.ts'
import { must } from '../../lab/command.ts'

const watching = { signal: new AbortController().signal }

/** What must hold for whatever an engine saves. */
export function testSaves(engine: Parameters<typeof makeEngineSaves>[0]): void {
  describe(`docker ${engine}`, () => {
    let saves: EngineSaves
    let folder: string
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'drayage-engine-saves-'))
      saves = await makeEngineSaves(engine)
    }, 120_000)
    afterAll(async () => {
      await rm(folder, { recursive: true, force: true })
    })

    test(`every save of ${engine} is valid, and names its images`, async () => {
      const found: Record<string, unknown> = {}
      for (const [what, bytes] of saves) {
        const { verdict, images } = await checkBytes(bytes)
        found[what] = [verdict, ...new Set(images.flatMap(({ names }) => names).map(name => name.replace('docker.io/library/', '')))].sort()
      }
      expect(found).toEqual({
        'one': ['one:1', 'valid'],
        'several layers': ['two:1', 'valid'],
        'two names of one image': ['two:1', 'two:other', 'valid'],
        'several images': ['localhost:5000/some/where:v1.2-3', 'one:1', 'two:1', 'valid'],
        'all tags of a name': ['two:1', 'two:other', 'valid'],
        'by id': ['valid'],
        'without a name': ['valid'],
        'layers that occur twice': ['twice:1', 'valid'],
      })
    })

    test('packed again, and made into a tar again, they are valid', async () => {
      const script = `set -e; cd "$1"; mkdir in; tar -C in -xf save.tar
        for each in gzip bzip2 xz zstd; do $each -q -c save.tar > save.tar.$each; done
        tar -C in -cf dot.tar .; tar -C in -cf gnu.tar --format=gnu --sort=name $(ls -A in); tar -C in -cf pax.tar --format=pax .; tar -C in -cf ustar.tar --format=ustar .
        (cd in; tar -P -cf ../absolute.tar --transform 's,^,/,SH' $(ls -A)); tar -C in -b 200 -cf blocks.tar .; tar -C in -cf reversed.tar $(ls -Ar in)`
      for (const [what, bytes] of saves) {
        if (what !== 'several images' && what !== 'layers that occur twice') continue
        await writeFile(join(folder, 'save.tar'), bytes)
        await must('bash', ['-c', script, 'bash', folder])
        const verdicts: Record<string, string> = { directory: (await checkImageDirectory(join(folder, 'in'), watching)).verdict }
        for (const name of ['save.tar', 'save.tar.gzip', 'save.tar.bzip2', 'save.tar.xz', 'save.tar.zstd', 'dot.tar', 'gnu.tar', 'pax.tar', 'ustar.tar', 'absolute.tar', 'blocks.tar', 'reversed.tar']) verdicts[name] = (await checkImageFile(join(folder, name), watching)).verdict
        expect([what, ...Object.entries(verdicts).filter(([, verdict]) => verdict !== 'valid')]).toEqual([what])
        await rm(join(folder, 'in'), { recursive: true })
      }
    }, 60_000)

    test('copied by skopeo, it is valid in every form', async () => {
      await writeFile(join(folder, 'save.tar'), saves.get('several layers')!)
      const verdicts: Record<string, string> = {}
      for (const form of ['docker-archive', 'oci-archive', 'oci']) {
        const target = join(folder, form)
        await must('skopeo', ['copy', '--quiet', `docker-archive:${join(folder, 'save.tar')}`, `${form}:${target}:two:1`])
        verdicts[form] = (await (form === 'oci' ? checkImageDirectory(target, watching) : checkImageFile(target, watching))).verdict
      }
      expect(verdicts).toEqual({ 'docker-archive': 'valid', 'oci-archive': 'valid', 'oci': 'valid' })
    }, 60_000)

    test('cut anywhere, it is not valid', async () => {
      for (const what of ['several layers', 'layers that occur twice']) expect([what, ...(await validCuts(saves.get(what)!))]).toEqual([what])
    }, 60_000)

    test('with one bit changed, it is valid only if no load reads that bit', async () => {
      for (const what of ['two names of one image', 'layers that occur twice']) {
        const archive = saves.get(what)!
        expect([what, ...(await unnoticedBits(archive, sampledBits(archive, 500)))]).toEqual([what])
      }
    }, 60_000)
  })
}
