/** What goes wrong in a night: with dray, its engine, its disk, its clock, or a container. */
export type Fault = 'kill' | 'kill, and again' | 'stop' | 'hook' | 'off' | 'full disk' | 'ahead' | 'far ahead' | 'behind' | 'engine restarted' | 'engine down' | 'engine lost'

const dayMs = 86_400_000

/** Nights of every forty. The rest goes well. */
const faults: Readonly<Record<number, Fault>> = {
  3: 'kill', 5: 'hook', 7: 'stop', 9: 'off', 11: 'full disk', 14: 'kill, and again', 16: 'engine down', 18: 'ahead', 20: 'hook', 21: 'behind',
  23: 'kill', 25: 'engine lost', 27: 'stop', 30: 'engine restarted', 32: 'full disk', 34: 'kill, and again', 35: 'off', 36: 'off', 38: 'kill',
}

export function faultOf(night: number): Fault | undefined {
  return night === 29 ? 'far ahead' : faults[night % 40]
}

const steps = ['read its mounts', 'read what has changed, while it rests', 'write the backup'] as const

/** The step at which dray, or the engine, is ended: another one each time. */
export function stepOf(night: number): string {
  return steps[Math.floor(night / 2) % steps.length] ?? steps[0]
}

/** How wrong the clock is in that night. What is made ahead of its time is at an hour at which nothing else is: either past or future. */
export function wrongByMs(fault: Fault | undefined): number {
  if (fault === 'ahead') return 10.25 * dayMs
  if (fault === 'far ahead') return (5 * 365 + 0.25) * dayMs
  return fault === 'behind' ? -40 * dayMs : 0
}

/** What dray is to end with. A signal may come when it has ended already: by then all is done. */
export const exitCodesOf: Readonly<Record<Fault | 'well', readonly number[]>> = {
  'well': [0], 'off': [], 'kill': [137], 'kill, and again': [137], 'stop': [143], 'hook': [3], 'full disk': [30], 'ahead': [0], 'far ahead': [0], 'behind': [0], 'engine restarted': [0],
  'engine down': [10], 'engine lost': [3, 10, 40, 41],
}
