import { writeFile } from 'node:fs/promises'
import { freemem } from 'node:os'
import { must } from '../lab/command.ts'

/**
 * Touches memory once and gives it back: a virtual machine gets its memory at the first touch, which would be paid by
 * whoever happens to run first.
 */
export async function warmMemory(wantedBytes: number): Promise<void> {
  const bytes = Math.floor(Math.min(wantedBytes, freemem() / 2))
  await must('sh', ['-c', `head -c ${bytes} /dev/zero | tail -c ${bytes} > /dev/null`])
}

/** The same start for everybody: nothing left to be written back, nothing cached but what will be read. */
export async function startEvenly(folder: string): Promise<void> {
  await must('sync', [])
  await writeFile('/proc/sys/vm/drop_caches', '3')
  await must('sh', ['-c', 'tar --create --file=- --directory "$1" . | cat > /dev/null', 'sh', folder])
}
